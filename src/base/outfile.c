/* outfile.c - a file written beside its place and renamed, on POSIX
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/outfile.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int mote_outfile_open(const char *path, char *temporary, size_t cap)
{
    if (snprintf(temporary, cap, "%s.tmpXXXXXX", path) >= (int)cap) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = mkstemp(temporary);
    if (fd >= 0) {
        mode_t mask = umask(0);
        umask(mask);
        (void)fchmod(fd, 0666 & ~mask);
    }
    return fd;
}

mote_status mote_outfile_finish(int fd, const char *temporary, const char *path, bool overwrite, mote_diag *diag)
{
    int error = fsync(fd) != 0 ? errno : 0;
    if (close(fd) != 0 && error == 0)
        error = errno;
    if (error == 0 && !overwrite && link(temporary, path) == 0)
        unlink(temporary);
    else if (error == 0 && !overwrite && errno == EEXIST)
        error = EEXIST;
    else if (error == 0 && rename(temporary, path) != 0)
        error = errno;
    if (error == 0)
        return MOTE_OK;
    unlink(temporary);
    MOTE_FAIL(diag, MOTE_E_IO, "%s: %s", path, strerror(error));
}
