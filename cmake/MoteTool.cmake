# The command-line tool, at the root of the build folder.
# SPDX-License-Identifier: Apache-2.0
find_package(PkgConfig REQUIRED)
find_package(JPEG REQUIRED)
pkg_check_modules(mote_tool_deps REQUIRED IMPORTED_TARGET jansson libzip spng)

file(GLOB mote_tool_sources CONFIGURE_DEPENDS tools/mote/*.c)
list(REMOVE_ITEM mote_tool_sources "${PROJECT_SOURCE_DIR}/tools/mote/main.c")

add_executable(mote-tool tools/mote/main.c)
set_target_properties(mote-tool PROPERTIES OUTPUT_NAME mote RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}" ENABLE_EXPORTS ON)
target_include_directories(mote-tool PRIVATE tools)
if(mote_tool_sources)
  # Everything but main.c, so that tests and fuzz targets reach the codecs.
  add_library(mote_tool_parts STATIC ${mote_tool_sources})
  target_include_directories(mote_tool_parts PUBLIC tools)
  target_link_libraries(mote_tool_parts PUBLIC mote_internal JPEG::JPEG PkgConfig::mote_tool_deps)
  target_link_libraries(mote-tool PRIVATE mote_tool_parts)
endif()
target_link_libraries(mote-tool PRIVATE mote_internal JPEG::JPEG PkgConfig::mote_tool_deps)
if(MOTE_INSTALL)
  install(TARGETS mote-tool RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT tool)
endif()
