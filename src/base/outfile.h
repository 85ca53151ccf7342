/* outfile.h - a file that appears whole or not at all
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_BASE_OUTFILE_H
#define MOTE_BASE_OUTFILE_H

#include "base/diag.h"

/* A new file beside `path`, its name in temporary[cap], with the rights that a created file gets. -1 with errno. */
int mote_outfile_open(const char *path, char *temporary, size_t cap);
/* Brings it to disk, closes it and renames it to `path`; without `overwrite` only when that does not exist. On failure (MOTE_E_IO) it is gone and `path`
 * is as it was. */
mote_status mote_outfile_finish(int fd, const char *temporary, const char *path, bool overwrite, mote_diag *diag);

#endif
