# Tests: tests/<area>/test_*.c with cmocka, tests/<area>/test_*.py with Python, tests/fuzz/**/fuzz_*.c with their corpus.
# SPDX-License-Identifier: Apache-2.0

set(mote_test_environment
  "MOTE_SOURCE_DIR=${PROJECT_SOURCE_DIR}"
  "MOTE_BINARY_DIR=${PROJECT_BINARY_DIR}"
  "MOTE_TOOL=${PROJECT_BINARY_DIR}/mote"
  "MOTE_PLUGINS=${PROJECT_BINARY_DIR}/tests/plugins"
  "MOTE_EXAMPLES=${PROJECT_BINARY_DIR}/examples"
  "MOTE_PYTHON=${MOTE_PYTHON}"
  "ASAN_OPTIONS=abort_on_error=0:allocator_may_return_null=1:detect_stack_use_after_return=0"
  "UBSAN_OPTIONS=print_stacktrace=1"
  "TSAN_OPTIONS=halt_on_error=1")
if(DEFINED ENV{MOTE_SHARED})
  list(APPEND mote_test_environment "MOTE_SHARED=$ENV{MOTE_SHARED}")
else()
  list(APPEND mote_test_environment "MOTE_SHARED=${PROJECT_SOURCE_DIR}/../shared")
endif()
if(CMAKE_CROSSCOMPILING)
  set(mote_test_timeout 900)
else()
  set(mote_test_timeout 300)
endif()

# cmocka; where the target has none (cross builds), the subset of it in tests/support/cmocka.
add_library(mote_cmocka INTERFACE)
find_path(CMOCKA_INCLUDE_DIR cmocka.h)
find_library(CMOCKA_LIBRARY cmocka)
if(CMOCKA_INCLUDE_DIR AND CMOCKA_LIBRARY)
  target_include_directories(mote_cmocka SYSTEM INTERFACE "${CMOCKA_INCLUDE_DIR}")
  target_link_libraries(mote_cmocka INTERFACE "${CMOCKA_LIBRARY}")
elseif(CMAKE_CROSSCOMPILING)
  target_include_directories(mote_cmocka SYSTEM INTERFACE "${PROJECT_SOURCE_DIR}/tests/support/cmocka")
else()
  message(FATAL_ERROR "cmocka is not here; on Debian and Ubuntu: apt install libcmocka-dev")
endif()

# Helpers that tests share: tests/support/*.c.
file(GLOB mote_support_sources CONFIGURE_DEPENDS tests/support/*.c)
add_library(mote_test_support INTERFACE)
target_include_directories(mote_test_support INTERFACE "${PROJECT_SOURCE_DIR}/tests")
target_compile_definitions(mote_test_support INTERFACE MOTE_TEST_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
target_link_libraries(mote_test_support INTERFACE mote_internal)
if(mote_support_sources)
  add_library(mote_test_support_code STATIC ${mote_support_sources})
  target_link_libraries(mote_test_support_code PUBLIC mote_internal mote_cmocka)
  target_link_libraries(mote_test_support INTERFACE mote_test_support_code)
endif()

# Execution-provider plug-ins that tests load from $MOTE_PLUGINS: tests/plugins/<name>.c becomes <name>.so. They see public headers only.
file(GLOB mote_plugin_sources CONFIGURE_DEPENDS tests/plugins/*.c)
foreach(source IN LISTS mote_plugin_sources)
  get_filename_component(name "${source}" NAME_WE)
  add_library(plugin_${name} MODULE "${source}")
  target_include_directories(plugin_${name} PRIVATE include)
  target_link_libraries(plugin_${name} PRIVATE mote_flags)
  set_target_properties(plugin_${name} PROPERTIES PREFIX "" SUFFIX ".so" OUTPUT_NAME ${name}
    LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests/plugins")
  list(APPEND mote_plugin_targets plugin_${name})
endforeach()

# The area of a file: the first folder below tests/.
function(mote_test_area file out)
  file(RELATIVE_PATH relative "${PROJECT_SOURCE_DIR}/tests" "${file}")
  string(REGEX REPLACE "/.*" "" area "${relative}")
  set(${out} "${area}" PARENT_SCOPE)
endfunction()

function(mote_test_properties name area)
  set_tests_properties(${name} PROPERTIES LABELS "${area}" ENVIRONMENT "${mote_test_environment}"
    WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}" SKIP_RETURN_CODE 77 TIMEOUT ${mote_test_timeout})
endfunction()

if(MOTE_BUILD_TESTS)
  file(GLOB_RECURSE mote_tests CONFIGURE_DEPENDS tests/test_*.c)
  foreach(source IN LISTS mote_tests)
    get_filename_component(name "${source}" NAME_WE)
    mote_test_area("${source}" area)
    if(area STREQUAL "tool" AND NOT TARGET mote_tool_parts)
      continue() # tests of the tool's codecs, where the tool is not built
    endif()
    if(TARGET ${name}) # two areas have a test of that name
      set(name ${name}_${area})
    endif()
    add_executable(${name} "${source}")
    target_link_libraries(${name} PRIVATE mote_test_support mote_cmocka)
    if(area STREQUAL "tool")
      target_link_libraries(${name} PRIVATE mote_tool_parts)
    endif()
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests" ENABLE_EXPORTS ON)
    file(STRINGS "${source}" counts_malloc REGEX "__wrap_malloc" LIMIT_COUNT 1)
    if(counts_malloc)
      target_link_options(${name} PRIVATE
        -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc -Wl,--wrap=aligned_alloc -Wl,--wrap=posix_memalign)
    endif()
    file(STRINGS "${source}" loads_plugins REGEX MOTE_PLUGINS LIMIT_COUNT 1)
    if(loads_plugins)
      add_dependencies(${name} ${mote_plugin_targets})
    endif()
    add_test(NAME ${area}/${name} COMMAND ${name})
    mote_test_properties(${area}/${name} ${area})
  endforeach()

  # The table and the library for tests/ops/random_graphs.py.
  add_executable(op_peer tests/ops/op_peer.c)
  target_link_libraries(op_peer PRIVATE mote_test_support)
  set_target_properties(op_peer PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")

  if(MOTE_PYTHON)
    file(GLOB_RECURSE mote_python_tests CONFIGURE_DEPENDS tests/test_*.py)
    foreach(source IN LISTS mote_python_tests)
      get_filename_component(name "${source}" NAME)
      mote_test_area("${source}" area)
      add_test(NAME ${area}/${name} COMMAND "${MOTE_PYTHON}" "${source}")
      mote_test_properties(${area}/${name} "${area};python")
    endforeach()
  endif()
endif()

file(GLOB_RECURSE mote_fuzzers CONFIGURE_DEPENDS tests/fuzz/fuzz_*.c)
foreach(source IN LISTS mote_fuzzers)
  get_filename_component(name "${source}" NAME_WE)
  if(source MATCHES "/tests/fuzz/tool/" AND NOT TARGET mote_tool_parts)
    continue()
  endif()
  if(MOTE_BUILD_FUZZERS)
    add_executable(${name} "${source}")
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  else()
    add_executable(${name} "${source}" tests/fuzz/replay.c)
    add_test(NAME fuzz/${name} COMMAND ${name} "${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name}")
    mote_test_properties(fuzz/${name} fuzz)
  endif()
  target_link_libraries(${name} PRIVATE mote_test_support)
  if(source MATCHES "/tests/fuzz/tool/")
    target_link_libraries(${name} PRIVATE mote_tool_parts)
  endif()
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/fuzz")
endforeach()
