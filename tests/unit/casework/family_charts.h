/* Charts of a parent with measures and a part, shared by the tests of children and of offers. */
#ifndef KURATOR_TESTS_CASEWORK_FAMILY_CHARTS_H
#define KURATOR_TESTS_CASEWORK_FAMILY_CHARTS_H

#define PARENT_CHART                                                                                                   \
  "<state id='work'>"                                                                                                  \
  "<k:referrals id='measures' each='start.rows' process='measure' basis='п. 4.2' owner='executor'"                    \
  "  met='completed no_right'><k:param name='reason' expr=\"'plan'\"/></k:referrals>"                                  \
  "<transition event='plan'><assign location='start.rows' expr='_event.data.rows'/></transition>"                      \
  "<transition event='done.invoke.measures'><k:notify role='board' template='all' data='_event.data'/></transition>"   \
  "<transition event='referral.measures.completed'><k:notify role='board' template='one' data='_event.data'/>"         \
  "</transition><transition event='referral deadline'/>"                                                               \
  "<transition event='left' target='away'/><transition event='closed' target='end'/></state>"                          \
  "<state id='away'><transition event='entered' target='work'/></state><final id='end'/>"

#define MEASURE_CHART                                                                                                  \
  "<script>asked = {}; offered_on = false</script>"                                                                    \
  "<state id='asking'><k:offer id='next' kind='start.kind' exclude='asked' prefer='start.prefer'>"                     \
  "  <k:param name='due' expr='start.due'/></k:offer>"                                                                 \
  "<transition event='offer.next.made' target='offered'>"                                                              \
  "  <script>asked[#asked + 1] = _event.data.to; offered_on = _event.data.offered_on</script></transition>"            \
  "<transition event='offer.next.none' target='nobody'><script>why = _event.data.reason</script></transition></state>" \
  "<state id='offered'><onentry><k:status value=\"'offered'\"/></onentry>"                                             \
  "<k:deadline id='response' owner='executor' from='offered_on' due='3wd' met-by='accepted declined'/>"                \
  "<transition event='accepted' target='working'/>"                                                                    \
  "<transition event='declined' target='asking'><k:status value=\"'declined'\" reason=\"'busy'\"/>"                    \
  "</transition>"                                                                                                      \
  "<transition event='deadline.response' target='asking'><k:withdraw reason=\"'expired'\"/></transition></state>"      \
  "<state id='working'><onentry><k:status value=\"'accepted'\"/></onentry>"                                            \
  "<transition event='completed' target='done'><k:status value=\"'completed'\"/></transition></state>"                 \
  "<state id='nobody'><onentry><k:status value=\"'unroutable'\" reason='why'/></onentry></state>"                      \
  "<final id='done'/>"

#endif
