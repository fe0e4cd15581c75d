/*
 * runtime/audit.h — the proof of the journal: written as lines, checked from a store or from such lines.
 *
 * Purpose: each entry has a link, BLAKE2b-256 over its number, moment, digest and content; the chain is BLAKE2b-256
 * over the chain before and the link; the engine signs the head of the chain now and then (store/LAYOUT.md). Whoever
 * has the engine's public key finds the first entry that was changed, moved, put in or taken out. Lines of JSON, so
 * that it needs neither the database nor any data of a case:
 *   {"type":"from","journal":N,"chain":C}                        the chain after entry N; the whole journal: 0 and
 * zeros
 *   {"type":"link","journal":N,"link":L,"chain":C}               an entry of which nothing is told
 *   {"type":"entry","journal":N,"recorded_at_ms":T,"digest":D,"content":H,"chain":C}   one that is told
 *   {"type":"head","journal":N,"at_ms":T,"chain":C,"key":K,"signature":S}
 * The whole journal ends with a head, so that one that was cut off is told apart. Bytes are hexadecimal; an entry of
 * version 1 has no content.
 *
 * Threading: the store's; not inside a batch. Never: decides which key to trust, needs the master key, opens anything
 * that is sealed.
 */
#ifndef KURATOR_RUNTIME_AUDIT_H
#define KURATOR_RUNTIME_AUDIT_H

#include "runtime/outcome.h"
#include "runtime/runtime.h"

/* ---- checking ---- */

struct audit_ports {
  void *arg;
  /* True if one of the keys that are trusted has this name and made this signature. */
  bool (*verify)(void *arg, struct span key_id, struct span statement, const uint8_t signature[RUNTIME_SIGNATURE_SIZE]);
};
struct audit_report {
  uint64_t first, last; /* entries that were checked; 0, 0: none */
  uint64_t heads;       /* signed heads among them, all good */
  uint64_t signed_to;   /* the last of them, 0: none */
  civil_moment signed_at;
  char key_id[RUNTIME_KEY_ID_MAX + 1];
  /* The first entry that is told (proof); 0: none. */
  uint64_t told;
  civil_moment told_at;
  uint8_t told_digest[RUNTIME_DIGEST_SIZE];
};
/* ERR_INVALID with a Russian text that names the first entry that is not as it was. ERR_IO and others: not readable. */
enum err audit_verify_store(struct store *store, const struct audit_ports *ports, struct audit_report *ret_report,
                            struct fault *fault) MUST_CHECK;
enum err audit_verify_lines(struct span text, const struct audit_ports *ports, struct audit_report *ret_report,
                            struct fault *fault) MUST_CHECK;

/* ---- writing ---- */

typedef void (*audit_sign)(void *arg, struct span statement, struct runtime_signature *ret_signature);
struct audit_writer {
  line_sink sink; /* what it returns counts for nothing */
  void *sink_arg;
  audit_sign sign; /* a head for the end of what is written */
  void *sign_arg;
  civil_moment now;
};
/* At most `entries_max` entries from `first` on, with the signed heads between them; `*ret_next` is where to go on, or
 * 0 at the end, where a head is signed if there is none. */
enum err audit_export(struct store *store, uint64_t first, size_t entries_max, const struct audit_writer *writer,
                      uint64_t *ret_next) MUST_CHECK;
/* One entry, and the links after it up to the next signed head. ERR_NOT_FOUND: no such entry. */
enum err audit_prove(struct store *store, uint64_t number, const struct audit_writer *writer,
                     struct fault *fault) MUST_CHECK;

#endif
