/*
 * ops/cli/chart_text.h — lines of a width for texts in UTF-8.
 */
#ifndef KURATOR_CLI_CHART_TEXT_H
#define KURATOR_CLI_CHART_TEXT_H

#include "base/span.h"

/* Characters, not bytes. */
int text_length(struct span text);
/* The next line of at most `width` characters, cut off `*rest`: at a space, after a hyphen or an underscore; a longer
 * word is broken. `*rest` is empty, white space aside, when nothing is left. */
struct span text_next_line(struct span *rest, int width);
int text_lines(struct span text, int width); /* at least 1 */
/* The longest part that text_next_line would not break. */
int text_longest(struct span text);

#endif
