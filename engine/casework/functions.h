/*
 * casework/functions.h — what a script can call by name: terms and days of the calendar.
 *
 * Purpose: the table that a worker registers. `arg` of every function is the struct casework; next_sitting looks at the
 * case that is being stepped. Pure.
 */
#ifndef KURATOR_CASEWORK_FUNCTIONS_H
#define KURATOR_CASEWORK_FUNCTIONS_H

#include "chart/chart.h"

/* Ended by a NULL name. */
const struct chart_function_entry *functions_table(void);

#endif
