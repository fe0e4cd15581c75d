/* ops/cli/lists.h — the list verbs and the other verbs of a running engine, for the table in engine.c. */
#ifndef KURATOR_CLI_LISTS_H
#define KURATOR_CLI_LISTS_H

/* lists.c */
int list_cases(int argc, char **argv);
int list_deadlines(int argc, char **argv);
int list_referrals(int argc, char **argv);
int list_incidents(int argc, char **argv);
int list_participants(int argc, char **argv);
/* participant.c */
int participant_keys(int argc, char **argv);
int participant_add(int argc, char **argv);
int participant_rotate(int argc, char **argv);
int participant_revoke(int argc, char **argv);
/* doctor.c */
int doctor_run(int argc, char **argv);
/* backup.c */
int backup_run(int argc, char **argv);
/* restore.c */
int restore_run(int argc, char **argv);
/* case.c */
int case_show(int argc, char **argv);
int case_timeline(int argc, char **argv);
/* document.c */
int case_document(int argc, char **argv);
/* correct.c */
int case_correct(int argc, char **argv);
/* calendar_import.c */
int calendar_import(int argc, char **argv);
int calendar_show(int argc, char **argv);
/* incident.c */
int incident_retry(int argc, char **argv);
int incident_resolve(int argc, char **argv);
/* journal.c */
int journal_export(int argc, char **argv);
int outcome_export(int argc, char **argv);
int journal_watch(int argc, char **argv);
/* status.c */
int status_show(int argc, char **argv);
int clock_show(int argc, char **argv);
int clock_advance(int argc, char **argv);
/* submit.c */
int event_submit(int argc, char **argv);
/* person.c */
int person_show(int argc, char **argv);
int person_cases(int argc, char **argv);
int person_proposals(int argc, char **argv);
int person_link(int argc, char **argv);
int person_unlink(int argc, char **argv);
int person_erase(int argc, char **argv);
/* audit.c */
int audit_export_run(int argc, char **argv);
int audit_proof_run(int argc, char **argv);
int audit_verify_run(int argc, char **argv);
int audit_check_proof_run(int argc, char **argv);
/* keys.c */
int keys_generate(int argc, char **argv);
/* process.c, process_trace.c */
int process_test(int argc, char **argv);
int process_settings(int argc, char **argv);
int process_trace(int argc, char **argv);
/* route.c */
int route_explain(int argc, char **argv);
/* check.c */
int config_check(int argc, char **argv);

#endif
