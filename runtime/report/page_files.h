/* page_files.h: the files of the page, compiled in by tools/embed.cmake. */
#ifndef SSLC_PAGE_FILES_H
#define SSLC_PAGE_FILES_H

extern const char report_html[], report_css[], report_js[], explain_css[], explain_js[];

#endif
