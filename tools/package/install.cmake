# install.cmake: what is installed: the command with its manual page and completions, and the compiler and the runtime as libraries, each to be found by CMake and
# by pkg-config on its own. The files say where they are relative to themselves, so a prefix can be moved.
include(CMakePackageConfigHelpers)

set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME dev)
set(CONFIG_FOLDER ${CMAKE_INSTALL_LIBDIR}/cmake/sslc)
set(PC_FOLDER ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
set(HEADER_FOLDER ${CMAKE_INSTALL_INCLUDEDIR}/sslc)

set_target_properties(sslc PROPERTIES EXPORT_NAME compiler)
set_target_properties(sslc_runtime PROPERTIES EXPORT_NAME runtime)
install(TARGETS sslc_command RUNTIME COMPONENT command)
install(TARGETS sslc EXPORT sslc-compiler ARCHIVE INCLUDES DESTINATION ${HEADER_FOLDER})
install(TARGETS sslc_runtime EXPORT sslc-runtime ARCHIVE INCLUDES DESTINATION ${HEADER_FOLDER})
install(FILES compiler/sslc.h runtime/model.h runtime/step.h runtime/step.def runtime/runtime.h DESTINATION ${HEADER_FOLDER})
install(FILES runtime/train/train.h DESTINATION ${HEADER_FOLDER}/train)

install(FILES ${CMAKE_CURRENT_BINARY_DIR}/sslc.1 COMPONENT command DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/sslc.bash COMPONENT command DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME sslc)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/_sslc COMPONENT command DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/sslc.fish COMPONENT command DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)

set(DOC_FOLDER ${CMAKE_INSTALL_DATADIR}/doc)
install(FILES models/README.md COMPONENT command DESTINATION ${DOC_FOLDER}/sslc)
install(DIRECTORY models/lib COMPONENT command DESTINATION ${DOC_FOLDER}/sslc FILES_MATCHING PATTERN *.json)
install(FILES LICENSE COMPONENT command DESTINATION ${DOC_FOLDER}/sslc RENAME copyright)
install(FILES LICENSE DESTINATION ${DOC_FOLDER}/libsslc-dev RENAME copyright)

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

# -- Debian packages: the command, and what programs are built against -----------------------------------------------------

set(CPACK_GENERATOR DEB)
set(CPACK_COMPONENTS_ALL command dev)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_CONTACT "The sslc authors")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMMAND_PACKAGE_NAME sslc)
set(CPACK_DEBIAN_COMMAND_PACKAGE_SECTION science)
set(CPACK_DEBIAN_COMMAND_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_COMMAND_PACKAGE_RECOMMENDS "dataset-fashion-mnist") # where fashion_mnist() looks
set(CPACK_DEBIAN_COMMAND_PACKAGE_SUGGESTS "gcc | c-compiler") # sslc compile --shared
set(CPACK_DEBIAN_DEV_PACKAGE_NAME libsslc-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "libcjson-dev, zlib1g-dev, libpng-dev, libjpeg62-turbo-dev, libpcre2-dev, libsndfile1-dev, libsamplerate0-dev, libminizip-dev, libcsv-dev")
set(CPACK_DEBIAN_DEV_PACKAGE_RECOMMENDS "llvm-${LLVM_VERSION_MAJOR}-dev, pkg-config") # the runtime alone needs neither
set(CPACK_COMPONENT_COMMAND_DESCRIPTION "A model file describes networks, a pretext task, a loss and an optimizer; sslc compiles
the whole training step to native code, trains it, and says whether pre-training helped.")
set(CPACK_COMPONENT_DEV_DESCRIPTION "The compiler and the runtime as static libraries, with their headers, for CMake and
pkg-config.")
include(CPack)
