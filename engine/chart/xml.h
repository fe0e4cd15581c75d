/*
 * chart/xml.h — what the files of this room that look at libxml2's own tree share.
 */
#ifndef KURATOR_CHART_XML_H
#define KURATOR_CHART_XML_H

#include <libxml/parser.h>
#include <libxml/tree.h>

#include "base/err.h"
#include "base/span.h"

#define SCXML_URI "http://www.w3.org/2005/07/scxml"

/* ERR_FORMAT with the line of the first error, ERR_NO_MEMORY. The caller gives the document to xmlFreeDoc. */
enum err xml_parse(struct span bytes, xmlDocPtr *ret_doc, struct fault *fault) MUST_CHECK;

#endif
