/* files.h - reading whole files, and outputs that appear only when they are complete
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_TOOL_FILES_H
#define MOTE_TOOL_FILES_H

#include "base/diag.h"

/* Reads a regular file (or "-": standard input) of at most `limit` bytes into malloced memory with a NUL behind. MOTE_E_IO, MOTE_E_LIMIT, MOTE_E_MEMORY. */
mote_status file_read(const char *path, size_t limit, void **out, size_t *n, mote_diag *diag);

/* An output file under a temporary name beside its place. */
typedef struct file_output {
    char *path, *temporary;
    bool overwrite;
} file_output;

/* MOTE_E_IO when there is something at `path` (may be NULL) that must not be replaced: to be asked before the work, too. */
mote_status file_output_allowed(const char *path, bool overwrite, mote_diag *diag);
/* Refuses an existing path without `overwrite` (MOTE_E_IO). The temporary file exists, empty, afterwards. */
mote_status file_output_begin(file_output *o, const char *path, bool overwrite, mote_diag *diag);
/* With MOTE_OK, flushes and renames; otherwise removes the temporary file. Returns `status` or the failure. Frees the names. */
mote_status file_output_end(file_output *o, mote_status status, mote_diag *diag);
/* Removes temporary files that are open: from a signal handler. */
void file_outputs_abandon(void);
/* begin, write n bytes, end. */
mote_status file_write(const char *path, const void *bytes, size_t n, bool overwrite, mote_diag *diag);
bool file_is_directory(const char *path);
bool file_is_compiled(const char *path); /* by its first bytes */
bool has_suffix(const char *path, const char *suffix); /* without regard to case */

#endif
