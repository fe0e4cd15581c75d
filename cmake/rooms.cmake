# How every room is compiled: the same warnings everywhere, a room sees only the rooms that it names.
set(KURATOR_WARNINGS
    -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
    -Wvla -Wimplicit-fallthrough -Wundef -Werror)

# kurator_room(NAME SOURCES a.c … ROOMS base … PACKAGES lua5.4 …): library kurator_NAME from the current folder. ROOMS that
# appear in the room's headers are PUBLIC by nature; the include test (tests/tidy) holds the direction.
# Each room's headers live under a staging folder of links, one per room, so that "chart/chart.h" is found by those who
# name the room and by nobody else.
function(kurator_room name)
  cmake_parse_arguments(ARG "" "" "SOURCES;ROOMS;PACKAGES" ${ARGN})
  set(stage ${CMAKE_BINARY_DIR}/rooms/${name})
  file(MAKE_DIRECTORY ${stage})
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${stage}/${name} SYMBOLIC)
  add_library(kurator_${name} STATIC ${ARG_SOURCES})
  target_include_directories(kurator_${name} PUBLIC ${stage})
  target_compile_options(kurator_${name} PRIVATE ${KURATOR_WARNINGS})
  foreach(room IN LISTS ARG_ROOMS)
    target_link_libraries(kurator_${name} PUBLIC kurator_${room})
  endforeach()
  foreach(package IN LISTS ARG_PACKAGES)
    string(MAKE_C_IDENTIFIER "PKG_${package}" prefix)
    pkg_check_modules(${prefix} REQUIRED IMPORTED_TARGET GLOBAL ${package})
    target_link_libraries(kurator_${name} PRIVATE PkgConfig::${prefix})
  endforeach()
endfunction()

# kurator_program(NAME SOURCES … ROOMS … PACKAGES …): an executable in build/bin.
function(kurator_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;ROOMS;PACKAGES" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  target_compile_options(${name} PRIVATE ${KURATOR_WARNINGS})
  foreach(room IN LISTS ARG_ROOMS)
    target_link_libraries(${name} PRIVATE kurator_${room})
  endforeach()
  foreach(package IN LISTS ARG_PACKAGES)
    string(MAKE_C_IDENTIFIER "PKG_${package}" prefix)
    pkg_check_modules(${prefix} REQUIRED IMPORTED_TARGET GLOBAL ${package})
    target_link_libraries(${name} PRIVATE PkgConfig::${prefix})
  endforeach()
endfunction()

# kurator_test(NAME SOURCES … ROOMS … PACKAGES …): a cmocka program, registered with ctest under NAME.
function(kurator_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;ROOMS;PACKAGES" ${ARGN})
  kurator_program(${name} SOURCES ${ARG_SOURCES} ROOMS ${ARG_ROOMS} PACKAGES ${ARG_PACKAGES} cmocka)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_compile_definitions(${name} PRIVATE KURATOR_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES TIMEOUT 300)
endfunction()
