/*
 * tests/support/contract.h -- what a test of the contract is started with: test_contract_NAME
 * [BACKEND [SCALAR]], of the CPU and of doubles where nothing is named.
 */
#ifndef GCR_TEST_CONTRACT_H
#define GCR_TEST_CONTRACT_H

#include "backend/backend.h"

#include "support/gcr_test.h"

#include <stdio.h>

static inline const char *contract_backend(int argc, char **argv)
{
    return argc > 1 ? argv[1] : "cpu";
}

static inline gcr_scalar contract_scalar(int argc, char **argv)
{
    return argc > 2 && strcmp(argv[2], gcr_scalar_name(GCR_F32)) == 0 ? GCR_F32 : GCR_F64;
}

/* Opens device 0. Returns 0, or what the program ends with, having said why. */
static inline int contract_open(gcr_device **out, const char *name)
{
    const gcr_backend *backend = gcr_backend_find(name);
    gcr_status status;

    if (backend == NULL) {
        fprintf(stderr, "this build has no backend %s\n", name);
        return gcr_test_no_device(name);
    }
    status = gcr_device_open(out, backend, 0);
    if (status == GCR_OK)
        return 0;
    fprintf(stderr, "%s\n", gcr_last_error());
    return status == GCR_EUNSUPPORTED ? gcr_test_no_device(name) : 1;
}

#endif /* GCR_TEST_CONTRACT_H */
