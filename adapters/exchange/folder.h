/*
 * exchange/folder.h — the folders between an adapter and its agency, and how files are written and moved in them.
 *
 *     in/        the agency puts files here (write elsewhere, then rename into place)
 *     work/      a file of in/ from when it is taken until it is answered; nobody but the adapter touches it
 *     out/       the adapter puts files here, complete or not at all
 *     done/      a file all of whose rows have been answered, and NAME.result.csv: what became of each row
 *     rejected/  NAME.rejected.csv: the refused rows with line and reason, a table ready to be mended and sent again;
 * or the whole file with NAME.reason.txt, when it could not be understood at all
 *
 * NAME is the file's name, or with a number before its extension ("x.2.csv") when an earlier file had that name.
 * An adapter for several participants has a sub-folder for each in in/, work/ and out/; a file directly in in/ then has
 * to name the sender in each line ("as").
 *
 * The agency writes into in/ and out/ too, so nothing there is trusted: links are not followed, nothing is overwritten
 * but files of one's own name. Threading: no shared state.
 */
#ifndef KURATOR_EXCHANGE_FOLDER_H
#define KURATOR_EXCHANGE_FOLDER_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/span.h"

enum {
  FOLDER_PATH_MAX = 4096,
  FOLDER_NAME_MAX = 255,
  FOLDER_SUFFIX_MAX = 40, /* what is put behind a name: a number, ".rejected.csv", ".tmp" */
};

/* Makes root/in, work, out, done, rejected, and in/ID, work/ID, out/ID for each of several participants. */
enum err folder_prepare(const char *root, const char *const *participants, size_t count,
                        struct fault *fault) MUST_CHECK;
/* "root/part/name" into `path`, without the last part when it is empty; ERR_LIMIT when it is too long. */
enum err folder_path(char path[FOLDER_PATH_MAX], const char *root, const char *part, const char *name) MUST_CHECK;
/* True if there is something under that name, be it a broken link. */
bool folder_has(const char *path);
/* The `number`th name that a file may get: the name itself for 1, "x.2.csv" for 2. Names that are too long to take
 * FOLDER_SUFFIX_MAX bytes more are cut, between characters, before their extension. */
void folder_name(char name[FOLDER_NAME_MAX + 1], const char *wish, unsigned number);

/* ---- a file that is there completely or not at all, and durably: temporary name, fsync, rename ---- */

struct folder_file {
  int fd; /* -1: not open */
  enum err err;
  struct writer buffer;
  char path[FOLDER_PATH_MAX];
  char temporary[FOLDER_PATH_MAX];
};
/* ERR_IO, ERR_FULL, ERR_LIMIT. */
enum err folder_file_begin(struct folder_file *file, const char *path) MUST_CHECK;
/* The writer to write into; flush it now and then. */
struct writer *folder_file_writer(struct folder_file *file);
/* Empties the writer to disk when it holds a good deal; an error is kept for the end. False if there was one. */
bool folder_file_flush(struct folder_file *file);
/* Gives the file its name. After an error the temporary file is gone. */
enum err folder_file_end(struct folder_file *file) MUST_CHECK;
/* Drops a file that was not ended; does nothing to one that was, or was never begun and is all zero. */
void folder_file_drop(struct folder_file *file);

/* The three in one. */
enum err folder_write(const char *path, struct span bytes) MUST_CHECK;
/* Appends the content of a regular file. ERR_NOT_FOUND, ERR_IO, ERR_LIMIT: larger than `size_max`. */
enum err folder_read(const char *path, size_t size_max, struct writer *w) MUST_CHECK;
/* Moves a file, durably, never over another one. ERR_EXISTS, ERR_NOT_FOUND, ERR_FULL; ERR_IO: perhaps it has been
 * moved, but is not yet durable there. */
enum err folder_move(const char *from, const char *to) MUST_CHECK;

#endif
