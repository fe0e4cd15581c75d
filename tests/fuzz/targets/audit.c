/* Lines that somebody brings as a proof: a verdict with a reason, whatever they are. */
#include "runtime/audit.h"
#include "fuzz.h"

/* All signatures are good, so that the walk goes as far as it can. */
static bool is_signed(void *arg, struct span key_id, struct span statement, const uint8_t *signature) {
  (void)arg;
  (void)key_id;
  (void)statement;
  (void)signature;
  return true;
}

void fuzz_one(struct span input, struct arena *arena) {
  const struct audit_ports ports = {.verify = is_signed};
  struct audit_report report;
  struct fault fault = {.err = ERR_OK};
  (void)arena;
  enum err err = audit_verify_lines(input, &ports, &report, &fault);
  ASSERT(err == ERR_OK || err == ERR_INVALID);
  ASSERT(err == ERR_OK || fault.text[0] != '\0');
  ASSERT(report.first <= report.last && report.told <= report.last);
  ASSERT(err != ERR_OK || report.last == 0 || report.signed_to == report.last);
}
