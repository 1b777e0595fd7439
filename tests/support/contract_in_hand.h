/*
 * tests/support/contract_in_hand.h -- main() of a test of the contract whose tests share a device
 * and a queue (device_in_hand.h).
 */
#ifndef GCR_TEST_CONTRACT_IN_HAND_H
#define GCR_TEST_CONTRACT_IN_HAND_H

#include "support/contract.h"
#include "support/device_in_hand.h"

static inline int contract_open_queue(void **state)
{
    (void)state;
    return gcr_queue_open(&queue, device) == GCR_OK ? 0 : -1;
}

static inline int contract_close_queue(void **state)
{
    (void)state;
    gcr_queue_close(queue);
    return 0;
}

/* Of an array of tests. Returns what the program ends with. */
#define contract_run(argc, argv, tests)                                                            \
    contract_run_tests(argc, argv, tests, sizeof tests / sizeof *tests)

static inline int contract_run_tests(int argc, char **argv, const struct CMUnitTest *tests,
                                     size_t count)
{
    const char *name = contract_backend(argc, argv);
    const int why_not = contract_open(&device, name);
    int failed;

    if (why_not != 0)
        return why_not;
    scalar = contract_scalar(argc, argv);
    failed = _cmocka_run_group_tests(name, tests, count, contract_open_queue, contract_close_queue);
    gcr_device_close(device);
    return failed;
}

#endif /* GCR_TEST_CONTRACT_IN_HAND_H */
