/*
 * casework/document.h — the register of documents (реестр документов) of one case.
 *
 * Purpose: which papers belong to the case, in which edition and in which state, and which entry of the journal holds
 * what stands in them. The catalogue says which event brings which document (event_rule.documents); an extract
 * (выписка) comes about by itself: it names the measures that one executor has in hand.
 *
 * Limits: CASE_DOCUMENTS_MAX editions; beyond it the oldest one that has been superseded is forgotten, and when there
 * is none, the new one is an incident. Never: keeps what stands in a document. Pure.
 */
#ifndef KURATOR_CASEWORK_DOCUMENT_H
#define KURATOR_CASEWORK_DOCUMENT_H

#include "casework/step.h"

/* The documents that the step's event brings, now that the case has taken it. */
void documents_note_event(struct step *s);
/* A referral of this executor has come, gone, or moved; nothing if it is empty. */
void documents_touch(struct step *s, struct span executor);
/* The extracts of those executors follow. A notice tells who has a measure that is to be done otherwise. */
void documents_follow_referrals(struct step *s);

#endif
