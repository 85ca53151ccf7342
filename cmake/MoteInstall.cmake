# Install rules: headers, libraries, CMake package, pkg-config file. Nothing installed names the folder it was built in.
# SPDX-License-Identifier: Apache-2.0
include(CMakePackageConfigHelpers)

install(TARGETS ${mote_exported} EXPORT moteTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY include/mote DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")

set(mote_config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/mote)
install(EXPORT moteTargets NAMESPACE mote:: DESTINATION ${mote_config_dir})
configure_package_config_file(cmake/moteConfig.cmake.in "${PROJECT_BINARY_DIR}/moteConfig.cmake" INSTALL_DESTINATION ${mote_config_dir})
write_basic_package_version_file("${PROJECT_BINARY_DIR}/moteConfigVersion.cmake" COMPATIBILITY SameMajorVersion)
install(FILES "${PROJECT_BINARY_DIR}/moteConfig.cmake" "${PROJECT_BINARY_DIR}/moteConfigVersion.cmake" DESTINATION ${mote_config_dir})

# pkg-config: the prefix is found from where the .pc file lies, so that an installed tree can be moved.
set(mote_pc_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH mote_pc_prefix "/x/${mote_pc_dir}" "/x")
string(REGEX REPLACE "/$" "" mote_pc_prefix "${mote_pc_prefix}")
set(mote_pc_about_mote "Runs ONNX models")
set(mote_pc_about_mote_quant "Quantizes ONNX models; has all of mote inside")
foreach(mote_pc_name IN LISTS mote_exported)
  set(mote_pc_about "${mote_pc_about_${mote_pc_name}}")
  configure_file(cmake/mote.pc.in "${PROJECT_BINARY_DIR}/${mote_pc_name}.pc" @ONLY)
  install(FILES "${PROJECT_BINARY_DIR}/${mote_pc_name}.pc" DESTINATION ${mote_pc_dir})
endforeach()
