/*
 * tests/fuzz/fuzz.h — what the fuzz targets share.
 *
 * Purpose: a target is one file under targets/ with one function, fuzz_one. libFuzzer (preset fuzz) or replay.c (every
 * other preset) calls it with bytes; it feeds them to a reader and checks, beside "no crash", what the reader's header
 * promises: that what is read can be written again, that equal data is equal bytes, that a refusal says why. What must
 * hold is an ASSERT.
 *
 * Life cycle: none; what is dear to make (a catalogue, a Lua state) is made once and kept in a static of the target.
 * Ownership: the arena lives for one input. Every allocation in it has a block of its own, so that AddressSanitizer
 * sees a read past its end.
 */
#ifndef KURATOR_TESTS_FUZZ_H
#define KURATOR_TESTS_FUZZ_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/span.h"

/* What a target defines. */
void fuzz_one(struct span input, struct arena *arena);
/* What libFuzzer calls; in fuzz.c. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A refusal must carry a text, and one that may travel on in JSON or protobuf. */
void fuzz_refused(enum err err, const struct fault *fault);

/* Takes the first byte off; 0 when there is none. For targets that choose something before they read. */
uint8_t fuzz_choice(struct span *input);
/* The first half of a pair "FIRST NUL SECOND"; the rest stays. For inputs of two texts. */
struct span fuzz_text(struct span *input);

/* A file of this process with those bytes, overwritten by the next call; `suffix` as ".csv". It goes with the process.
 */
const char *fuzz_file(const char *suffix, struct span bytes);
/* A folder of this process, empty at first; it goes with the process. */
const char *fuzz_folder(void);
/* Writes DIR/NAME. */
void fuzz_write(const char *dir, const char *name, struct span bytes);

#endif
