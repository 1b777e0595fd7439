/*
 * gridcrunch/kernel_random.h -- random numbers of kernels: the same on every device.
 *
 * Part of kernel.h; a kernel file does not include it. The numbers of a cell are a function of the
 * run's seed, the dataset's identity and the values of the kernel's parameters, and of nothing
 * else: not of the place of the cell in the grid, so that growing or reordering the grid changes
 * no draw, and not of what else has been drawn. Each cell has 2^32 independent streams.
 *
 *     gcr_random random = gcr_random_open(ctx, 0);
 *     gcr_real z = gcr_random_normal(&random);
 *
 * The generator is Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC 2011). It is written out because
 * the C++ half of Random123's header includes <iostream>, which NVRTC does not have, and a user's
 * kernel must compile where that package is not installed; a test compares the two bit by bit.
 */
#ifndef GCR_KERNEL_RANDOM_H
#define GCR_KERNEL_RANDOM_H

typedef struct gcr_block {
    uint32_t word[4];
} gcr_block;

typedef struct gcr_random {
    gcr_block cell; /* stands for dataset and parameters */
    uint64_t seed;
    uint64_t counter; /* blocks drawn */
    uint32_t stream;
    int used; /* halves of `block` handed out */
    gcr_block block;
} gcr_random;

/* Philox4x32-10 of `counter` under the key (low and high half of `key`). */
GCR_FN gcr_block gcr_philox(gcr_block counter, uint64_t key)
{
    uint32_t key0 = (uint32_t)key, key1 = (uint32_t)(key >> 32);
    gcr_block c = counter;

    for (int round = 0; round < 10; round++) {
        const uint64_t product0 = (uint64_t)0xD2511F53 * c.word[0];
        const uint64_t product1 = (uint64_t)0xCD9E8D57 * c.word[2];

        c.word[0] = (uint32_t)(product1 >> 32) ^ c.word[1] ^ key0;
        c.word[1] = (uint32_t)product1;
        c.word[2] = (uint32_t)(product0 >> 32) ^ c.word[3] ^ key1;
        c.word[3] = (uint32_t)product0;
        key0 += 0x9E3779B9;
        key1 += 0xBB67AE85;
    }
    return c;
}

/* One link of the chain: `state` with a 64-bit value and two small ones mixed in. */
GCR_FN gcr_block gcr_random_mix(gcr_block state, uint64_t value, uint32_t index, uint32_t tag,
                                uint64_t seed)
{
    state.word[0] ^= (uint32_t)value;
    state.word[1] ^= (uint32_t)(value >> 32);
    state.word[2] ^= index;
    state.word[3] ^= tag;
    return gcr_philox(state, seed);
}

enum {
    GCR_RANDOM_TAG_PARAMETER = 1, /* a link for a parameter never equals one for a draw */
    GCR_RANDOM_TAG_DRAW = 2,
};

/* Stream `stream` of the cell, from its beginning. */
GCR_FN gcr_random gcr_random_open(const gcr_ctx *ctx, uint32_t stream)
{
    gcr_random random;

    for (int i = 0; i < 4; i++)
        random.cell.word[i] = ctx->data.identity[i];
    for (int p = 0; p < ctx->parameter_count; p++) {
        const gcr_real value = gcr_param(ctx, p) + 0.0; /* -0 and 0 are one value */

        random.cell = gcr_random_mix(random.cell, gcr_bits(value), (uint32_t)p,
                                     GCR_RANDOM_TAG_PARAMETER, ctx->seed);
    }
    random.seed = ctx->seed;
    random.counter = 0;
    random.stream = stream;
    random.used = 2;
    return random;
}

GCR_FN uint64_t gcr_random_u64(gcr_random *random)
{
    int at;

    if (random->used == 2) {
        random->block = gcr_random_mix(random->cell, random->counter, random->stream,
                                       GCR_RANDOM_TAG_DRAW, random->seed);
        random->counter++;
        random->used = 0;
    }
    at = 2 * random->used;
    random->used++;
    return (uint64_t)random->block.word[at + 1] << 32 | random->block.word[at];
}

/* Goes past `count` numbers of 64 bits, or uniform ones, so that a stream can be shared out. */
GCR_FN void gcr_random_skip(gcr_random *random, uint64_t count)
{
    const uint64_t drawn = 2 * random->counter + (uint64_t)random->used - 2, to = drawn + count;

    random->counter = to / 2;
    random->used = 2;
    if (to % 2 == 1)
        (void)gcr_random_u64(random);
}

/* Uniform in [0, 1): 53 random bits, or the first 24 of them where gcr_real is a float. */
GCR_FN gcr_real gcr_random_uniform(gcr_random *random)
{
    return (gcr_real)(gcr_random_u64(random) >> (64 - GCR_DIGITS)) * (GCR_EPSILON / 2);
}

/* Standard normal, by Box and Muller from two uniforms. */
GCR_FN gcr_real gcr_random_normal(gcr_random *random)
{
    const gcr_real radius = gcr_sqrt(-2 * gcr_log(1 - gcr_random_uniform(random)));

    return radius * gcr_cos(2 * GCR_PI * gcr_random_uniform(random));
}

#endif /* GCR_KERNEL_RANDOM_H */
