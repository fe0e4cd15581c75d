/*
 * store/copy_sum.h — whether a copy of the database is still, byte for byte, what was written.
 *
 * LMDB keeps no sums of its pages and the journal's chain covers the journal alone; beside data.mdb a copy therefore
 * has the file data.mdb.b2sum, a line of the form of b2sum(1): `b2sum -l 256 -c data.mdb.b2sum` checks it as well. It
 * finds damage, not malice: whoever can write the copy can write a new sum.
 */
#ifndef KURATOR_STORE_COPY_SUM_H
#define KURATOR_STORE_COPY_SUM_H

#define COPY_SUM_FILE "data.mdb.b2sum"

/* Reads the folder's data.mdb and makes the file durable beside it. 0 or an errno. Blocks while it reads. */
int copy_sum_write(int directory);

#endif
