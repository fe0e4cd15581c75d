/*
 * Russian for the texts of this room, of those above it and of the Lua compiler.
 *
 * A row is a pattern in which * stands for anything, and a text in which %1, %2 … stand for what it stood for. A text
 * that no row matches is given as it is. tests/unit/chart/lint_test.c asks that each fault of this room has its row.
 */
#include "chart/lint.h"

enum { HOLES_MAX = 6 };

static const struct {
  const char *english;
  const char *russian;
} rows[] = {
    /* document.c */
    {"a document type declaration is not accepted", "объявление типа документа (DOCTYPE) не принимается"},
    {"SCXML has no element <*>", "в SCXML нет элемента <%1>"},
    {"<*> has no attribute \"*\"", "у <%1> не бывает атрибута «%2»"},
    {"<*> needs the attribute \"*\"", "у <%1> нет обязательного атрибута «%2»"},
    {"<script> cannot hold elements", "в <script> не могут стоять элементы"},
    {"the root must be <scxml*", "корнем должен быть <scxml xmlns=\"http://www.w3.org/2005/07/scxml\">"},
    {"<*> cannot stand in <*>", "<%1> не может стоять внутри <%2>"},
    {"<*> cannot hold text", "в <%1> не может стоять текст"},
    {"nested deeper than * levels", "вложено глубже %1 уровней"},
    {"the document is empty", "файл пуст"},
    {"the document is larger than * bytes", "файл больше %1 байт"},
    /* compile.c */
    {"more than * states", "состояний больше %1"},
    {"more than * transitions", "переходов больше %1"},
    {"more than * events", "имён событий больше %1"},
    {"\"*\" cannot be the id of a state", "«%1» не может быть именем состояния"},
    {"the id \"*\" stands twice", "имя «%1» стоит дважды"},
    {"there is no state \"*\"", "состояния «%1» нет"},
    {"there is no state to start in", "не с чего начать: внутри нет состояний"},
    {"a transition is \"internal\" or \"external\"", "переход бывает internal или external"},
    {"a transition needs \"event\", \"cond\" or \"target\"",
     "переходу нужно событие (event), условие (cond) или цель (target)"},
    {"<*> needs one transition with a target, without event and cond",
     "в <%1> нужен один переход: с целью, без события и без условия"},
    {"only a state with states inside has an initial one",
     "начальное состояние бывает только у состояния с вложенными"},
    {"the attribute and the element \"initial\" exclude each other", "атрибут и элемент «initial» вместе не стоят"},
    {"<data> has \"expr\" or \"src\" or something inside", "у <data> либо expr, либо src, либо содержимое"},
    {"\"*\" is a name of the system", "«%1» — имя, занятое системой"},
    {"the null data model has no <data>", "в модели данных null нет <data>"},
    {"\"*\" and \"*\" cannot be active together", "«%1» и «%2» не могут быть активны вместе"},
    {"\"*\" is no state that \"*\" can start in", "«%1» не состояние, с которого может начаться «%2»"},
    {"\"*\" needs a state to start in", "состоянию «%1» не с чего начать"},
    {"<scxml> holds at most one <script>", "в <scxml> не больше одного <script>"},
    {"the binding is \"early\" or \"late\"", "binding бывает early или late"},
    {"the data model \"*\" is not supported", "модель данных «%1» не поддерживается"},
    {"the version of SCXML is \"1.0\"", "версия SCXML — 1.0"},
    {"charts are nested too deep", "схемы вложены слишком глубоко"},
    /* compile_content.c */
    {"<param> needs either \"expr\" or \"location\"", "у <param> либо expr, либо location"},
    {"<content> has either \"expr\" or something inside", "у <content> либо expr, либо содержимое"},
    {"<content> stands alone: neither namelist nor <param>", "<content> стоит один: без namelist и без <param>"},
    {"<assign> has either \"expr\" or something inside", "у <assign> либо expr, либо содержимое"},
    {"\"attr\" and \"type\" of <assign> belong to the XPath data model",
     "attr и type у <assign> — из модели данных XPath"},
    {"<script> has either \"src\" or something inside", "у <script> либо src, либо содержимое"},
    {"the script \"*\" cannot be read", "скрипт «%1» не читается"},
    {"\"*\" is not a delay such as 10s, .5s or 250ms", "«%1» — не задержка вида 10s, .5s или 250ms"},
    {"an event to #_internal cannot be delayed", "событие в #_internal нельзя задержать"},
    {"\"*\" and \"*\" exclude each other", "«%1» и «%2» вместе не стоят"},
    {"<send> needs \"event\", \"eventexpr\" or <content>",
     "у <send> нет события: нужен event, eventexpr или <content>"},
    {"<cancel> needs \"sendid\" or \"sendidexpr\"", "у <cancel> нет sendid или sendidexpr"},
    {"nothing can follow <else> in an <if>", "после <else> в <if> ничего не бывает"},
    /* compile_invoke.c */
    {"<k:*> belongs into executable content", "<k:%1> стоит там, где действуют: в переходе, onentry или onexit"},
    {"<k:*> belongs into a state", "<k:%1> стоит в состоянии, а не среди действий"},
    {"<k:*> belongs into *", "<k:%1> стоит не на своём месте"},
    {"the vocabulary has no element <k:*>", "элемента <k:%1> нет"},
    {"<k:*> can only hold <k:param name= expr=/>", "в <k:%1> может стоять только <k:param name= expr=/>"},
    {"<k:param> has exactly the attributes \"name\" and \"expr\"", "у <k:param> ровно два атрибута: name и expr"},
    {"<k:*> cannot stand in a chart inside another", "<k:%1> не может стоять в схеме внутри другой"},
    /* plain.c, desugar.c */
    {"<* type=\"*\">: takes no attribute \"*\"", "у <%1 type=\"%2\"> не бывает атрибута «%3»"},
    {"<* type=\"*\">: wants a text in quotes as the param \"*\"",
     "у <%1 type=\"%2\"> параметр «%3» — текст в кавычках: expr=\"'…'\""},
    {"<* type=\"*\">: holds nothing but <param name= expr=/>, not \"*\"",
     "в <%1 type=\"%2\"> стоят только <param name= expr=/>, а не «%3»"},
    {"<* type=\"*\">: has twice \"*\"", "у <%1 type=\"%2\"> дважды стоит «%3»"},
    {"<k:param name=\"*\"> has the name of an attribute", "<k:param name=\"%1\"> называется так же, как атрибут"},
    /* compile_invoke.c */
    {"<invoke> has either a src or <content>", "у <invoke> либо src, либо <content>"},
    {"<content> holds one chart or has \"expr\"", "в <content> одна схема или атрибут expr"},
    /* casework/definition.c */
    {"attribute *: a term is wanted, or dueexpr", "нужен срок: due или dueexpr"},
    {"attribute *: too many terms", "в атрибуте %1 слишком много сроков"},
    {"attribute *: terms like * before the due date, separated by spaces",
     "в атрибуте %1 стоят сроки до дня исполнения через пробел: 5wd 1wd"},
    {"attribute *: no term like *", "в атрибуте %1 не срок: пишется 10wd, 5d, 2w, 3mo, 1y или -6mo"},
    {"attribute *: no such role in the catalogue", "в атрибуте %1 роль, которой нет в catalogue.yaml"},
    {"attribute *: names an event that the catalogue does not have",
     "в атрибуте %1 событие, которого нет в catalogue.yaml"},
    {"attribute shift: on, back or none", "атрибут shift бывает on, back или none"},
    {"attribute *: \"no\", or left out", "атрибут %1 либо no, либо его нет"},
    {"attribute id: an element that stands in executable content only",
     "элемент стоит только там, где действуют: в переходе, onentry или onexit"},
    {"state \"*\": no stage \"*\" in the catalogue", "состояние «%1»: этапа «%2» нет в catalogue.yaml"},
    /* compile_expr.c, sandbox.c */
    {"the null data model has no expressions but In('state')",
     "в модели данных null есть только выражение In('состояние')"},
    {"the null data model has no scripts", "в модели данных null нет скриптов"},
    {"the null data model has no variables", "в модели данных null нет переменных"},
    {"\"*\" is not a place in the data model", "«%1» — не место в данных"},
    {"\"*\" cannot be read", "«%1» не читается"},
    {"_ENV cannot be used", "имя _ENV занято"},
    /* while running: run.c, content.c, sandbox.c, variables.c */
    {"too many microsteps", "переходы следуют один за другим без конца: слишком много шагов"},
    {"the sessions do not come to rest", "события порождают друг друга без конца"},
    {"too many events are queued", "в очереди слишком много событий"},
    {"executable content runs too long", "действия выполняются слишком долго"},
    {"a script runs too long", "скрипт выполняется слишком долго"},
    {"a script takes too much memory", "скрипту нужно слишком много памяти"},
    {"too many arguments or results", "слишком много аргументов или результатов у функции"},
    {"a text in it is too long", "в нём слишком длинный текст"},
    {"the variable \"*\" cannot be kept: a table holds itself or is nested too deep",
     "переменную «%1» нельзя сохранить: таблица содержит саму себя или вложена слишком глубоко"},
    {"the variable \"*\" cannot be kept: a function is no value",
     "переменную «%1» нельзя сохранить: в ней функция, которую определил не общий скрипт схемы"},
    {"the variable \"*\" cannot be kept: *", "переменную «%1» нельзя сохранить: %2"},
    /* Lua 5.4, lparser.c and llex.c */
    {"unexpected symbol near *", "неожиданный знак возле %1"},
    {"syntax error near *", "ошибка в записи возле %1"},
    {"unfinished string near *", "строка не закрыта кавычкой возле %1"},
    {"malformed number near *", "неверно записано число возле %1"},
    {"* expected (to close * at line *) near *", "возле %4 ожидается %1, чтобы закрыть %2 строки %3"},
    {"* expected near *", "возле %2 ожидается %1"},
    {"attempt to assign to const variable *", "переменная %1 не меняется"},
    {"no visible label * for goto at line *", "нет метки %1 для goto"},
    {"break outside a loop at line * near *", "break вне цикла"},
    /* libxml2, xmlschemas.c */
    {"Element '*', attribute '*': The attribute '*' is not allowed.", "у <%1> не бывает атрибута «%2»"},
    {"Element '*': The attribute '*' is required but missing.", "у <%1> нет обязательного атрибута «%2»"},
    {"Element '*': This element is not expected. Expected is one of ( * ).",
     "<%1> здесь стоять не может; ожидается: %2"},
    {"Element '*': This element is not expected. Expected is ( * ).", "<%1> здесь стоять не может; ожидается: %2"},
    {"Element '*': This element is not expected.", "<%1> здесь стоять не может"},
    {"Element '*': Missing child element(s). Expected is one of ( * ).", "внутри <%1> не хватает одного из: %2"},
    {"Element '*': Missing child element(s). Expected is ( * ).", "внутри <%1> не хватает: %2"},
    {"Element '*', attribute '*': [facet '*'] The value '*' is not an element of the set {*}.",
     "атрибут «%2» у <%1>: «%4» не бывает, бывает %5"},
    {"Element '*', attribute '*': [facet '*'] The value '*' has a length *", "атрибут «%2» у <%1>: «%4» не той длины"},
    {"Element '*', attribute '*': [facet '*'] The value '*' is not accepted by the pattern '*(wd|d|w|mo|y)*",
     "атрибут «%2» у <%1>: «%4» — не срок; пишется 10wd (рабочие дни), 5d (дни), 2w (недели), 3mo (месяцы), 1y (годы)"},
    {"Element 'transition', attribute 'event': [facet '*'] The value '*,*' is not accepted by the pattern *",
     "события в атрибуте event у <transition> разделяются пробелами, а не запятыми: «%2,%3»"},
    {"Element '*', attribute '*': [facet '*'] The value '*' is not accepted by the pattern *",
     "атрибут «%2» у <%1>: «%4» записано не так"},
    {"Element '*', attribute '*': '*' is not a valid value of the atomic type 'xs:ID'.",
     "имя «%3» у <%1> стоит в схеме дважды или записано не так"},
    {"Element '*', attribute '*': '*' is not a valid value of the *", "атрибут «%2» у <%1>: «%3» записано не так"},
    {"Element '*', attribute '*': The value '*' does not match the fixed value constraint '*'.",
     "атрибут «%2» у <%1>: «%3» не бывает, только «%4»"},
    {"Element '*': Character content *", "в <%1> не может стоять текст"},
    {"Element '*': No matching global declaration available for the validation root.",
     "корнем должен быть <scxml xmlns=\"http://www.w3.org/2005/07/scxml\">, а не <%1>"},
    /* libxml2, parser.c */
    {"Opening and ending tag mismatch: * line * and *", "открыт <%1> (строка %2), а закрыт </%3>"},
    {"Premature end of data in tag * line *", "файл кончился, а <%1> (строка %2) не закрыт"},
    {"Document is empty", "это не XML: файл пуст или начинается не с <"},
    {"error parsing attribute name", "имя атрибута записано неверно"},
    {"AttValue: \" or ' expected", "значение атрибута не взято в кавычки"},
    {"Unescaped '<' not allowed in attributes values", "в значении атрибута стоит <: пишите &lt;"},
    {"Attribute * redefined", "атрибут %1 стоит дважды"},
    {"attributes construct error", "атрибуты записаны неверно"},
    {"Couldn't find end of Start Tag * line *", "тег <%1> (строка %2) не закончен"},
    {"Extra content at the end of the document", "после конца схемы есть ещё что-то"},
    {"Start tag expected, '<' not found", "это не XML: не найдено начало, знак <"},
    {"Namespace prefix * on * is not defined", "приставка %1 у <%2> не объявлена"},
    {"xmlParseEntityRef: no name", "знак & пишется как &amp;"},
    {"EntityRef: expecting ';'", "знак & пишется как &amp;"},
    {"Double hyphen within comment*", "внутри примечания <!-- … --> не бывает двух дефисов подряд"},
    {"Comment not terminated*", "примечание <!-- не закрыто: нужно -->"},
    {"Entity '*' not defined", "знака &%1; в XML нет: впишите сам знак"},
    {"XML declaration allowed only at the start of the document",
     "строка <?xml …?> стоит только в начале файла и только одна"},
    {"Malformed declaration expecting version", "строка <?xml …?> записана неверно: нужно version=\"1.0\""},
    {"StartTag: invalid element name", "после знака < нет имени; знак «меньше» пишется &lt;"},
    {"Specification mandates value for attribute *", "у атрибута %1 нет значения: нужно %1=\"…\""},
    {"Sequence ']]>' not allowed in content", "знаки ]]> пишутся ]]&gt;"},
    {"CData section not finished*", "раздел <![CDATA[ не закрыт: нужно ]]>"},
    {"PCDATA invalid Char value *", "в тексте стоит знак, которого в XML не бывает (%1)"},
    {"Char 0x* out of allowed range", "в тексте стоит знак, которого в XML не бывает"},
    {"invalid character in attribute value", "в значении атрибута стоит знак, которого в XML не бывает"},
    {"Unsupported encoding *", "кодировка %1 не поддерживается: сохраните файл в UTF-8"},
    {"Document labelled * but has * content", "файл назван %1, а записан в %2: сохраните его в UTF-8"},
    {"Excessive depth in document: *", "элементы вложены слишком глубоко"},
    {"expected '>'", "тег не закрыт знаком >"},
    {"Input is not proper UTF-8, indicate encoding !*", "файл не в кодировке UTF-8"},
};

/* Cuts `text` by the pattern; false when it does not fit. A star takes as little as it can, the last one the rest. */
static bool matches(const char *pattern, struct span text, struct span holes[HOLES_MAX]) {
  size_t count = 0;
  struct span *open = NULL; /* the hole that is being filled */
  for (;;) {
    size_t plain = strcspn(pattern, "*");
    const uint8_t *found = text.data;
    if (plain == 0 && *pattern == '\0') {
      if (open) {
        *open = text;
      }
      return open || text.size == 0;
    }
    if (plain > 0) {
      found = memmem(text.data, text.size, pattern, plain);
    }
    if (!found || (!open && found != text.data)) {
      return false;
    }
    if (open) {
      *open = span_of(text.data, (size_t)(found - text.data));
      open = NULL;
    }
    size_t used = (size_t)(found - text.data) + plain;
    text = span_of(text.data + used, text.size - used);
    pattern += plain;
    if (*pattern == '*') {
      ASSERT(count < HOLES_MAX);
      open = &holes[count++];
      pattern++;
    }
  }
}

static struct span put(const char *text, const struct span holes[HOLES_MAX], struct arena *arena) {
  struct span out = {NULL, 0};
  while (*text) {
    size_t plain = strcspn(text, "%");
    struct span hole = text[plain] ? holes[text[plain + 1] - '1'] : span_of(NULL, 0);
    out = arena_printf(arena, "%.*s%.*s%.*s", SPAN_ARG(out), (int)plain, text, SPAN_ARG(hole));
    text += plain + (text[plain] ? 2 : 0);
  }
  return out;
}

static bool translated(struct span text, struct arena *arena, struct span *ret_text) {
  struct span holes[HOLES_MAX] = {{NULL, 0}};
  for (size_t i = 0; text.size > 0 && i < sizeof rows / sizeof *rows; i++) {
    if (matches(rows[i].english, text, holes)) {
      *ret_text = put(rows[i].russian, holes, arena);
      return true;
    }
  }
  return false;
}

struct span lint_translate(struct span text, enum lint_language language, struct arena *arena) {
  struct span found = text;
  return language == LINT_RUSSIAN && translated(text, arena, &found) ? found : text;
}

/* What stands before a fault ("FILE:LINE: ") ends with a colon and a space. */
struct span lint_told(struct span text, struct arena *arena) {
  struct span rest = text;
  struct span found;
  while (!translated(rest, arena, &found)) {
    const uint8_t *colon = rest.size > 0 ? memmem(rest.data, rest.size, ": ", 2) : NULL;
    if (!colon) {
      return text;
    }
    rest = span_of(colon + 2, rest.size - (size_t)(colon + 2 - rest.data));
  }
  return arena_printf(arena, "%.*s%.*s", (int)(text.size - rest.size), (const char *)text.data, SPAN_ARG(found));
}
