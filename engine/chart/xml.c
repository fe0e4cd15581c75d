/*
 * From bytes to a tree of libxml2. A document type declaration stops the parser at once, so that no entity is ever
 * declared, loaded or expanded; nothing is asked of the network or of a file.
 */
#include "chart/xml.h"

/* What the hooks below leave for parse(); hangs on the parser. */
struct parsing {
  bool doctype;
  struct fault first; /* the first error: those after it are mostly its consequences */
};

/* SAX hook: any document type declaration ends the parsing. */
static void refuse_doctype(void *ctx, const xmlChar *name, const xmlChar *external_id, const xmlChar *system_id) {
  (void)name;
  (void)external_id;
  (void)system_id;
  xmlParserCtxtPtr parser = ctx;
  struct parsing *parsing = parser->_private;
  parsing->doctype = true;
  xmlStopParser(parser);
}

/* libxml2 ends its messages with a line feed and tells the file, which the caller already knows. */
static void keep_first_error(void *ctx, xmlErrorPtr error) {
  xmlParserCtxtPtr parser = ctx;
  struct parsing *parsing = parser->_private;
  if (parsing->first.err == ERR_OK && error->level >= XML_ERR_ERROR) {
    struct span text = span_trim(span_of_cstr(error->message ? error->message : "not well-formed XML"));
    uint32_t line = error->line > 0 ? (uint32_t)error->line : 1;
    (void)fault_set_at(&parsing->first, ERR_FORMAT, line, 0, "%.*s", SPAN_ARG(text));
  }
}

enum err xml_parse(struct span bytes, xmlDocPtr *ret_doc, struct fault *fault) {
  xmlParserCtxtPtr parser = xmlNewParserCtxt();
  if (!parser) {
    return fault_set(fault, ERR_NO_MEMORY, "no memory for the XML parser");
  }
  struct parsing parsing = {.first = {.err = ERR_OK}};
  parser->_private = &parsing;
  parser->sax->internalSubset = refuse_doctype;
  parser->sax->serror = keep_first_error;
  int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA | XML_PARSE_BIG_LINES |
                XML_PARSE_COMPACT;
  xmlDocPtr doc = xmlCtxtReadMemory(parser, (const char *)bytes.data, (int)bytes.size, NULL, NULL, options);
  enum err err = ERR_OK;
  if (parsing.doctype) {
    err = fault_set_at(fault, ERR_FORMAT, 1, 0, "a document type declaration is not accepted");
  } else if (!doc) {
    bool told = parsing.first.err != ERR_OK;
    err = fault_set_at(fault, ERR_FORMAT, told ? parsing.first.line : 1, 0, "%s",
                       told ? parsing.first.text : "not well-formed XML");
  }
  if (err != ERR_OK && doc) {
    xmlFreeDoc(doc);
    doc = NULL;
  }
  xmlFreeParserCtxt(parser);
  *ret_doc = doc;
  return err;
}
