/* cli/read_hdf5/restrain.h -- what the reader of foreign files cannot do, even when it is taken over. */
#ifndef GCR_CLI_RESTRAIN_H
#define GCR_CLI_RESTRAIN_H

/* Bounds memory, time and open files, and forbids to write or change files, to start programs or
 * threads, to talk to the network, and to send signals. What the system does not know how to forbid
 * stays allowed. To be called before a byte of `path` is read. */
void gcr_restrain(const char *path);

#endif /* GCR_CLI_RESTRAIN_H */
