/*
 * exchange/folder.h — the four folders between an adapter and its agency.
 *
 *     in/        the agency puts files here (write elsewhere, then rename into place)
 *     out/       the adapter puts files here, complete or not at all
 *     done/      a file of in/ all of whose rows have been answered, and NAME.result.csv: what became of each row
 *     rejected/  NAME.rejected.csv: the refused rows with line and reason, ready to be mended and sent again; or the
 * whole file with NAME.reason.txt, when it could not be understood at all
 *
 * An adapter for several participants has a sub-folder for each in in/ and out/; a file directly in in/ then has to
 * name the sender in each line ("as").
 *
 * Threading: no shared state.
 */
#ifndef KURATOR_EXCHANGE_FOLDER_H
#define KURATOR_EXCHANGE_FOLDER_H

#include "base/err.h"
#include "base/span.h"

enum { FOLDER_PATH_MAX = 4096, FOLDER_NAME_MAX = 255 };

/* Makes root/in, out, done, rejected, and in/ID, out/ID for each of several participants. */
enum err folder_prepare(const char *root, const char *const *participants, size_t count,
                        struct fault *fault) MUST_CHECK;
/* "root/part/name" into `path`; ERR_LIMIT when it is too long. */
enum err folder_path(char path[FOLDER_PATH_MAX], const char *root, const char *part, const char *name) MUST_CHECK;
/* Writes a whole file so that it is there completely or not at all, and durably: temporary name, fsync, rename. */
enum err folder_write(const char *path, struct span bytes) MUST_CHECK;
/* `path`, or with the first number behind it ("path.2") that gives a name nobody has. */
enum err folder_free_name(char free_path[FOLDER_PATH_MAX], const char *path) MUST_CHECK;
/* Moves a file, never over another one: a number is added to the name if it is taken. */
enum err folder_move(const char *from, const char *to) MUST_CHECK;

#endif
