/*
 * chart/desugar.h — a chart in plain SCXML: the elements of a vocabulary written as what they stand for.
 *
 * An element under a state is <invoke type="PREFIX:NAME">, one in executable content <send type="PREFIX:NAME"
 * event="NAME">. Each attribute is a <param> of its name: an expression as it is, a text as a literal of Lua, and a
 * condition that is only looked at later as a literal too, since what it asks about is not there yet when the
 * invocation starts. <k:param>s are <param>s as they are. The id is the invocation's id where it stands once in the
 * document, which xs:ID asks for, else a <param> too. Attributes of the namespace on states (k:stage) stay: every
 * processor passes over them (section 2 of the recommendation).
 *
 * document_read understands this form as it does the other, so that both give the same chart.
 */
#ifndef KURATOR_CHART_DESUGAR_H
#define KURATOR_CHART_DESUGAR_H

#include "base/bytes.h"
#include "chart/chart.h"

/* Comments, order and line breaks between elements stay. ERR_FORMAT, ERR_INVALID with the line: an element that the
 * vocabulary does not have, or a <k:param> with the name of an attribute, which plain SCXML could not tell apart. */
enum err chart_desugar(const struct chart_vocabulary *vocabulary, struct span document, struct writer *w,
                       struct fault *fault) MUST_CHECK;

#endif
