# install.cmake: what is installed: the command with its manual page and completions, and the compiler and the runtime as libraries, each to be found by CMake and
# by pkg-config on its own. The files say where they are relative to themselves, so a prefix can be moved.
include(CMakePackageConfigHelpers)

set(CONFIG_FOLDER ${CMAKE_INSTALL_LIBDIR}/cmake/sslc)
set(PC_FOLDER ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
set(HEADER_FOLDER ${CMAKE_INSTALL_INCLUDEDIR}/sslc)

set_target_properties(sslc PROPERTIES EXPORT_NAME compiler)
set_target_properties(sslc_runtime PROPERTIES EXPORT_NAME runtime)
install(TARGETS sslc_command RUNTIME)
install(TARGETS sslc EXPORT sslc-compiler ARCHIVE INCLUDES DESTINATION ${HEADER_FOLDER})
install(TARGETS sslc_runtime EXPORT sslc-runtime ARCHIVE INCLUDES DESTINATION ${HEADER_FOLDER})
install(FILES compiler/sslc.h runtime/model.h runtime/step.h runtime/step.def runtime/runtime.h DESTINATION ${HEADER_FOLDER})
install(FILES runtime/train/train.h DESTINATION ${HEADER_FOLDER}/train)

install(FILES ${CMAKE_CURRENT_BINARY_DIR}/sslc.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/sslc.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME sslc)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/_sslc DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/sslc.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)

foreach(part compiler runtime)
	install(EXPORT sslc-${part} NAMESPACE sslc:: DESTINATION ${CONFIG_FOLDER})
endforeach()
configure_package_config_file(tools/package/sslc-config.cmake.in sslc-config.cmake INSTALL_DESTINATION ${CONFIG_FOLDER})
write_basic_package_version_file(sslc-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/sslc-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/sslc-config-version.cmake DESTINATION ${CONFIG_FOLDER})

file(RELATIVE_PATH PREFIX_OF_PC ${CMAKE_INSTALL_PREFIX}/${PC_FOLDER} ${CMAKE_INSTALL_PREFIX})
foreach(pc sslc sslc-runtime)
	configure_file(tools/package/${pc}.pc.in ${pc}.pc @ONLY)
	install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${pc}.pc DESTINATION ${PC_FOLDER})
endforeach()
