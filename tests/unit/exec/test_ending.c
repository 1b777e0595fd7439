/*
 * tests/unit/exec/test_ending.c -- the nodes of a run come to its end, whatever happens when.
 *
 * A model of two and of three nodes: workers, the board of each node, leaders that look as watch.c
 * does, and messages that keep their order. All states that can be reached are walked through, with
 * sends that fail and with a node that is cut off, at any moment until it has left. In each of
 * them: who has left has looked for all that was sent to it and is waited for by nobody; and from
 * each there is a way to the end. A stop that is lost would leave a node computing: its workers
 * compute for ever unless they are stopped. And nobody is told that all is well while a node is cut
 * off that was not there after the end.
 */
#include "exec/ending.h"

#include "support/gcr_test.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NODES_MAX = 3, WORDS_MAX = 3, STATES_MAX = 1 << 18, MOVES_MAX = 64 };

typedef enum work { FINISHES, IS_ENDLESS, FAILS, WORKS } work;

/* Where a leader is in its look. */
typedef enum step { LISTENS, LOOKS, SPEAKS, HAS_LEFT } step;

typedef struct node {
    gcr_ending ending; /* its peers are: */
    gcr_ending_peer peers[NODES_MAX];
    uint8_t is_stopped; /* the board */
    uint8_t has_heeded; /* the leader has: its workers know */
    uint8_t is_failing; /* the board has been written, and the end not yet */
    uint8_t has_ended;  /* the workers */
    uint8_t step, is_cut_off;
    uint8_t knows_of_loss; /* it will not go where all meet  */
    uint8_t has_answered;  /* CALL was taken, whoever knows it */
} node;

/* A word of the model: LAST of one who knows of a loss. */
enum { LAST_OF_BROKEN = GCR_WORD_LAST + 1 };

typedef struct channel {
    uint8_t count, words[WORDS_MAX];
} channel;

typedef struct model {
    node nodes[NODES_MAX];
    channel to_root[NODES_MAX], to_leader[NODES_MAX]; /* of node n */
    uint8_t failures;                                 /* of sends, still to come */
    uint8_t losses;                                   /* of nodes, likewise      */
} model;

_Static_assert(sizeof(model) % sizeof(uint64_t) == 0, "hash() reads all of it");

/* What is looked at, and what is told from it. */
typedef struct setting {
    int nodes;
    work works[NODES_MAX];
    int failures, losses;
    int looks_too_early;  /* for a stop, before it finds that all is done: a mistake */
    int waits_for_nobody; /* once the root has called: another                      */
} setting;

/* How often all was said to be well though somebody was gone by then. */
static uint32_t surprises;

/* ---- the model ------------------------------------------------------------------------------- */

static void begin(model *out, const setting *set)
{
    memset(out, 0, sizeof *out);
    for (int n = 0; n < set->nodes; n++)
        gcr_ending_open(&out->nodes[n].ending, NULL, n, 0, set->nodes);
    out->failures = (uint8_t)set->failures;
    out->losses = (uint8_t)set->losses;
}

static channel *channel_of(model *m, int from, int to)
{
    return from == 0 ? &m->to_leader[to] : &m->to_root[from];
}

static int is_cut(const model *m, int from, int to)
{
    return m->nodes[from].is_cut_off || m->nodes[to].is_cut_off;
}

/* One that is cut off between its answer and LAST nobody can know of. */
static void look_for_surprise(const model *m)
{
    for (int n = 1; n < NODES_MAX; n++)
        surprises += m->nodes[n].is_cut_off && !m->nodes[n].has_answered;
}

static void deliver(model *m, int from, int to, gcr_word said)
{
    channel *c = channel_of(m, from, to);
    const int is_broken = m->nodes[from].knows_of_loss && said == GCR_WORD_LAST;
    const int word = is_broken ? LAST_OF_BROKEN : (int)said;

    if (from == 0 && word == GCR_WORD_LAST)
        look_for_surprise(m);
    if (is_cut(m, from, to))
        return;
    assert_true(c->count < WORDS_MAX);
    assert_true(m->nodes[to].step != HAS_LEFT); /* nobody would look for it */
    c->words[c->count++] = (uint8_t)word;
}

static void hear(model *m, int from, int to)
{
    channel *c = channel_of(m, from, to);
    node *here = &m->nodes[to];
    const uint8_t word = c->words[0];

    memmove(c->words, c->words + 1, WORDS_MAX - 1);
    c->words[--c->count] = 0;
    here->is_stopped |= word == GCR_WORD_STOP;
    here->has_answered |= word == GCR_WORD_CALL;
    here->knows_of_loss |= word == LAST_OF_BROKEN;
    if (word >= GCR_WORD_LAST)
        gcr_ending_hear_last(&here->ending, from);
}

static void heed(node *here)
{
    if (!here->is_stopped)
        return;
    here->has_heeded = 1;
    gcr_ending_stop(&here->ending);
}

/* All have taken what it said last. */
static int is_root_told(const model *m, const setting *set)
{
    for (int n = 1; n < set->nodes; n++)
        if (!m->nodes[n].peers[0].has_ended && !m->nodes[0].peers[n].is_lost)
            return 0;
    return 1;
}

/* Nothing that anybody needs goes with it. */
static void leave(model *m, const setting *set, int n)
{
    m->nodes[n].step = HAS_LEFT;
    for (int other = 0; other < set->nodes; other++) {
        if (other == n || (n != 0 && other != 0) || is_cut(m, n, other))
            continue;
        assert_int_equal(channel_of(m, other, n)->count, 0);
        if (m->nodes[other].step != HAS_LEFT) /* it has heard, or will, that nothing comes */
            assert_true(m->nodes[other].peers[n].has_ended || channel_of(m, n, other)->count > 0);
        assert_true(m->nodes[n].peers[other].has_ended); /* and nothing will be sent */
    }
}

static void say_all(model *m, const setting *set, int n, int fails_for)
{
    node *here = &m->nodes[n];

    for (int peer = here->ending.first; peer < here->ending.end; peer++) {
        gcr_word word;

        while ((word = gcr_ending_due(&here->ending, peer)) != GCR_WORD_NONE) {
            assert_true(gcr_ending_has_words(&here->ending));
            if (peer == fails_for)
                break;
            deliver(m, n, peer, word);
            gcr_ending_say(&here->ending, peer, word);
            if (word == GCR_WORD_CALL && set->waits_for_nobody)
                gcr_ending_hear_answer(&here->ending, peer);
        }
    }
    here->step = LISTENS;
}

/* -1: there is nothing to hear. */
static int hear_peer(model *m, int n, int peer)
{
    if (channel_of(m, peer, n)->count == 0 || m->nodes[n].peers[peer].is_lost)
        return -1;
    hear(m, peer, n);
    return 1;
}

/* The root does. */
static int find_answer(model *m, int n, int peer)
{
    node *here = &m->nodes[n];

    if (!here->ending.is_root || !m->nodes[peer].has_answered || here->peers[peer].is_there)
        return -1;
    gcr_ending_hear_answer(&here->ending, peer);
    return 1;
}

/* What a leader may do next: move `k` of those that there are; false where there is none. */
static int move_leader(model *m, const setting *set, int n, int k)
{
    node *here = &m->nodes[n];
    const int first = here->ending.first, end = here->ending.end;

    if (here->step == HAS_LEFT)
        return 0;
    if (here->step == LOOKS && k == 0) {
        if (here->has_ended)
            gcr_ending_done(&here->ending);
        here->step = SPEAKS;
        return 1;
    }
    if (here->step == SPEAKS && k <= end - first) {
        if (k > 0 && m->failures-- == 0)
            return 0;
        if (!set->looks_too_early)
            heed(here);
        say_all(m, set, n, k > 0 ? first + k - 1 : -1);
        return 1;
    }
    if (here->step != LISTENS || k >= 2 * (end - first) + 2)
        return 0;
    if (k == 0) { /* it looks around */
        if (set->looks_too_early)
            heed(here);
        here->step = LOOKS;
        return set->looks_too_early ? 1 : move_leader(m, set, n, 0);
    }
    if (k == 1) {
        if (!here->has_ended || !gcr_ending_is_over(&here->ending) ||
            (here->ending.is_root && !is_root_told(m, set)))
            return -1;
        leave(m, set, n);
        return 1;
    }
    k -= 2;
    return k < end - first ? hear_peer(m, n, first + k)
                           : find_answer(m, n, k - (end - first) + first);
}

static int move_workers(model *m, const setting *set, int n)
{
    node *here = &m->nodes[n];

    if (here->has_ended || here->is_failing)
        here->has_ended |= here->is_failing;
    else if (set->works[n] == FAILS && !here->has_heeded)
        here->is_stopped = here->is_failing = 1;
    else if (set->works[n] == FINISHES || here->has_heeded)
        here->has_ended = 1;
    else
        return 0;
    if (here->has_ended)
        here->is_failing = 0;
    return 1;
}

static void find_lost(model *m, int at, int node_lost)
{
    node *here = &m->nodes[at];

    here->is_stopped |= !here->peers[node_lost].has_ended; /* else nothing is missing */
    here->knows_of_loss = 1;
    gcr_ending_lose(&here->ending, node_lost);
    memset(channel_of(m, node_lost, at), 0, sizeof(channel));
}

static int move_network(model *m, const setting *set, int n)
{
    if (n == 0 || n >= set->nodes)
        return 0;
    if (!m->nodes[n].is_cut_off && m->losses > 0 && m->nodes[n].step != HAS_LEFT) {
        m->losses--;
        m->nodes[n].is_cut_off = 1;
        memset(&m->to_root[n], 0, sizeof m->to_root[n]);
        memset(&m->to_leader[n], 0, sizeof m->to_leader[n]);
        return 1;
    }
    return 0;
}

/* One that is cut off is found out by each end, which the clock of hearing.h does. */
static int move_silence(model *m, const setting *set, int n, int is_root)
{
    const int at = is_root ? 0 : n, lost = is_root ? n : 0;

    if (n == 0 || n >= set->nodes || !m->nodes[n].is_cut_off || m->nodes[at].step != LISTENS ||
        m->nodes[at].peers[lost].is_lost)
        return 0;
    find_lost(m, at, lost);
    return 1;
}

/* ---- all states ------------------------------------------------------------------------------ */

typedef struct edge {
    uint32_t to, next; /* of those that lead into a state */
} edge;

static model *states;
static uint32_t *table, *into, *queue;
static edge *edges;
static uint8_t *is_ending;
static uint32_t state_count, edge_count, edge_room;

static uint64_t hash(const model *m)
{
    const uint64_t *words = (const uint64_t *)(const void *)m;
    uint64_t h = 0;

    for (size_t i = 0; i < sizeof *m / sizeof *words; i++)
        h = (h ^ words[i]) * 0x9e3779b97f4a7c15u, h ^= h >> 29;
    return h;
}

static void point(model *m, const setting *set, int is_there)
{
    for (int n = 0; n < set->nodes; n++)
        m->nodes[n].ending.peers = is_there ? m->nodes[n].peers : NULL;
}

/* The number of a state, a new one where it was not there. */
static uint32_t number_of(const model *m)
{
    const uint32_t mask = 2 * STATES_MAX - 1;
    uint32_t at = (uint32_t)hash(m) & mask;

    for (; table[at] != 0; at = (at + 1) & mask)
        if (memcmp(&states[table[at] - 1], m, sizeof *m) == 0)
            return table[at] - 1;
    assert_true(state_count < STATES_MAX);
    states[state_count] = *m;
    table[at] = ++state_count;
    return state_count - 1;
}

static void add_edge(uint32_t from, uint32_t to)
{
    if (edge_count + 1 >= edge_room) {
        edge_room = edge_room == 0 ? 1 << 20 : 2 * edge_room;
        edges = realloc(edges, edge_room * sizeof *edges);
        assert_non_null(edges);
    }
    edges[++edge_count] = (edge){ .to = from, .next = into[to] };
    into[to] = edge_count;
}

/* Move `k` of a state; 0: there are no more of this kind, -1: not now. */
static int move(model *m, const setting *set, int kind, int n, int k)
{
    switch (kind) {
    case 0: return move_leader(m, set, n, k);
    case 1: return k == 0 && move_workers(m, set, n);
    case 2: return k == 0 && move_network(m, set, n);
    default: return k < 2 ? (move_silence(m, set, n, k) ? 1 : -1) : 0;
    }
}

static void expand(uint32_t from, const setting *set)
{
    for (int kind = 0; kind < 4; kind++)
        for (int n = 0; n < set->nodes; n++)
            for (int k = 0; k < MOVES_MAX; k++) {
                model m = states[from];
                int moved;

                point(&m, set, 1);
                moved = move(&m, set, kind, n, k);
                if (moved == 0)
                    break;
                point(&m, set, 0);
                if (moved > 0)
                    add_edge(from, number_of(&m));
            }
}

static int all_have_left(const model *m, const setting *set)
{
    for (int n = 0; n < set->nodes; n++)
        if (m->nodes[n].step != HAS_LEFT)
            return 0;
    return 1;
}

/* How many states have no way to the end. */
static uint32_t count_stuck(const setting *set)
{
    uint32_t count = 0, done = 0;

    for (uint32_t s = 0; s < state_count; s++)
        if (all_have_left(&states[s], set)) {
            is_ending[s] = 1;
            queue[count++] = s;
        }
    for (; done < count; done++)
        for (uint32_t e = into[queue[done]]; e != 0; e = edges[e].next)
            if (!is_ending[edges[e].to]) {
                is_ending[edges[e].to] = 1;
                queue[count++] = edges[e].to;
            }
    return state_count - count;
}

static uint32_t walk(const setting *set)
{
    model first;

    memset(table, 0, 2 * STATES_MAX * sizeof *table);
    memset(into, 0, STATES_MAX * sizeof *into);
    memset(is_ending, 0, STATES_MAX);
    state_count = edge_count = surprises = 0;
    begin(&first, set);
    (void)number_of(&first);
    for (uint32_t s = 0; s < state_count; s++)
        expand(s, set);
    return count_stuck(set);
}

/* ---- what is asked --------------------------------------------------------------------------- */

static const char *describe(const setting *set)
{
    static char text[120];

    snprintf(text, sizeof text, "%d nodes, works %d %d %d, %d sends fail, %d nodes are lost",
             set->nodes, (int)set->works[0], (int)set->works[1], (int)set->works[2], set->failures,
             set->losses);
    return text;
}

/* Workers that compute for ever need somebody who stops them. */
static int can_end(const setting *set)
{
    int is_endless = 0, fails = 0;

    for (int n = 0; n < set->nodes; n++) {
        is_endless |= set->works[n] == IS_ENDLESS;
        fails |= set->works[n] == FAILS;
    }
    return fails || !is_endless;
}

static void assert_all_end(setting set)
{
    int all = 1;

    for (int n = 0; n < set.nodes; n++)
        all *= WORKS;
    for (int w = 0; w < all; w++) {
        int left = w;

        for (int n = 0; n < set.nodes; n++, left /= WORKS)
            set.works[n] = (work)(left % WORKS);
        if (!can_end(&set) || (set.nodes > 2 && set.works[1] > set.works[2]))
            continue;
        if (walk(&set) > 0)
            fail_msg("not all end: %s (of %u states)", describe(&set), state_count);
        if (surprises > 0)
            fail_msg("all is said to be well: %s (of %u states)", describe(&set), state_count);
    }
}

static void test_two_nodes_end_whatever_happens(void **state)
{
    (void)state;
    for (int failures = 0; failures <= 2; failures++)
        for (int losses = 0; losses <= 1; losses++)
            assert_all_end((setting){ .nodes = 2, .failures = failures, .losses = losses });
}

static void test_three_nodes_end_whatever_happens(void **state)
{
    (void)state;
    assert_all_end((setting){ .nodes = 3, .failures = 1 });
    assert_all_end((setting){ .nodes = 3, .losses = 1 });
}

/* The model can tell. */
static void test_a_stop_that_is_looked_for_too_early_is_lost(void **state)
{
    const setting set = { .nodes = 2, .works = { IS_ENDLESS, FAILS }, .looks_too_early = 1 };

    (void)state;
    assert_true(walk(&set) > 0);
}

static void test_a_root_that_waits_for_no_answer_does_not_know_who_is_gone(void **state)
{
    const setting set = { .nodes = 2, .losses = 1, .waits_for_nobody = 1 };

    (void)state;
    (void)walk(&set);
    assert_true(surprises > 0);
}

/* By hand: the second of three nodes cannot be told the stop, and the third is all the same. */
static void test_what_could_not_be_said_is_due_to_that_node_alone(void **state)
{
    gcr_ending_peer peers[3] = { 0 };
    gcr_ending root;

    (void)state;
    gcr_ending_open(&root, peers, 0, 0, 3);
    assert_int_equal(gcr_ending_due(&root, 1), GCR_WORD_NONE);
    gcr_ending_stop(&root);
    gcr_ending_say(&root, 2, GCR_WORD_STOP);
    assert_int_equal(gcr_ending_due(&root, 1), GCR_WORD_STOP);
    assert_int_equal(gcr_ending_due(&root, 2), GCR_WORD_NONE);
    gcr_ending_hear_last(&root, 2);
    gcr_ending_lose(&root, 1);
    gcr_ending_done(&root);
    assert_int_equal(gcr_ending_due(&root, 1), GCR_WORD_NONE);
    assert_int_equal(gcr_ending_due(&root, 2), GCR_WORD_CALL);
    gcr_ending_say(&root, 2, GCR_WORD_CALL);
    assert_int_equal(gcr_ending_due(&root, 2), GCR_WORD_NONE);
    gcr_ending_hear_answer(&root, 2);
    assert_int_equal(gcr_ending_due(&root, 2), GCR_WORD_LAST);
    assert_false(gcr_ending_is_over(&root));
    gcr_ending_say(&root, 2, GCR_WORD_LAST);
    assert_true(gcr_ending_is_over(&root));
}

/* By hand: a stop of somebody's wish does not keep from the others that the run fails behind it. */
static void test_a_failure_is_told_behind_a_stop_and_replaces_it(void **state)
{
    gcr_ending_peer peers[3] = { 0 };
    gcr_ending root;

    (void)state;
    gcr_ending_open(&root, peers, 0, 0, 3);
    gcr_ending_stop(&root);
    gcr_ending_say(&root, 1, GCR_WORD_STOP);
    gcr_ending_fail(&root);
    gcr_ending_stop(&root); /* it is the less */
    assert_int_equal(gcr_ending_due(&root, 1), GCR_WORD_FAIL);
    assert_int_equal(gcr_ending_due(&root, 2), GCR_WORD_FAIL); /* and no STOP before */
    gcr_ending_say(&root, 1, GCR_WORD_FAIL);
    assert_int_equal(gcr_ending_due(&root, 1), GCR_WORD_NONE);
    gcr_ending_hear_last(&root, 1);
    gcr_ending_hear_last(&root, 2);
    gcr_ending_done(&root);
    assert_int_equal(gcr_ending_due(&root, 1), GCR_WORD_CALL);
    assert_int_equal(gcr_ending_due(&root, 2), GCR_WORD_FAIL); /* which comes before CALL */
}

static int allocate(void **state)
{
    (void)state;
    states = calloc(STATES_MAX, sizeof *states);
    table = calloc(2 * (size_t)STATES_MAX, sizeof *table);
    into = calloc(STATES_MAX, sizeof *into);
    queue = calloc(STATES_MAX, sizeof *queue);
    is_ending = calloc(STATES_MAX, 1);
    return states == NULL || table == NULL || into == NULL || queue == NULL || is_ending == NULL;
}

static int release(void **state)
{
    (void)state;
    free(states);
    free(table);
    free(into);
    free(queue);
    free(is_ending);
    free(edges);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_nodes_end_whatever_happens),
        cmocka_unit_test(test_three_nodes_end_whatever_happens),
        cmocka_unit_test(test_a_stop_that_is_looked_for_too_early_is_lost),
        cmocka_unit_test(test_a_root_that_waits_for_no_answer_does_not_know_who_is_gone),
        cmocka_unit_test(test_what_could_not_be_said_is_due_to_that_node_alone),
        cmocka_unit_test(test_a_failure_is_told_behind_a_stop_and_replaces_it),
    };

    return cmocka_run_group_tests(tests, allocate, release);
}
