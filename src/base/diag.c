/* diag.c - status names, and how a failure begins
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/diag.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *mote_version(void) { return "0.1.0"; }

const char *mote_status_string(mote_status status)
{
    switch (status) {
    case MOTE_OK: return "ok";
    case MOTE_E_ARGUMENT: return "invalid argument";
    case MOTE_E_MEMORY: return "out of memory";
    case MOTE_E_LIMIT: return "limit exceeded";
    case MOTE_E_CANCELLED: return "cancelled";
    case MOTE_E_BUSY: return "session in use by another thread";
    case MOTE_E_IO: return "input/output error";
    case MOTE_E_FORMAT: return "malformed file";
    case MOTE_E_MODEL: return "invalid model";
    case MOTE_E_UNSUPPORTED: return "not supported";
    case MOTE_E_PATH: return "path outside the model's folder";
    case MOTE_E_SHAPE: return "shape mismatch";
    case MOTE_E_DTYPE: return "element type mismatch";
    case MOTE_E_VALUE: return "value out of range";
    case MOTE_E_MISMATCH: return "outputs differ";
    case MOTE_E_PROVIDER: return "execution provider failed";
    case MOTE_E_INTERNAL: return "internal error";
    }
    return "unknown status";
}

/* Copies n bytes clipped to cap-1, control characters as '?': names from a file are attacker's text. */
static void copy_printable(char *to, size_t cap, const char *from, size_t n)
{
    size_t i = 0;
    for (; i < n && i + 1 < cap; i++)
        to[i] = (unsigned char)from[i] < 0x20 || from[i] == 0x7f ? '?' : from[i];
    to[i] = 0;
}

mote_status mote_fail(mote_diag *diag, mote_status code, const char *fmt, ...)
{
    if (diag == NULL || diag->code != MOTE_OK)
        return code;
    char line[sizeof diag->message];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    diag->code = code;
    copy_printable(diag->message, sizeof diag->message, line, n < 0 ? 0 : strlen(line));
    return code;
}

void mote_log_line(const mote_log *log, mote_log_level level, const char *fmt, ...)
{
    if (log == NULL || log->fn == NULL)
        return;
    char line[512], clean[512];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    copy_printable(clean, sizeof clean, line, n < 0 ? 0 : strlen(line));
    log->fn(log->ctx, level, clean);
}

void mote_diag_node(mote_diag *diag, const char *op, size_t op_len, const char *node, size_t node_len)
{
    if (diag == NULL || diag->code == MOTE_OK)
        return;
    if (diag->op[0] == 0)
        copy_printable(diag->op, sizeof diag->op, op, op_len);
    if (diag->node[0] == 0)
        copy_printable(diag->node, sizeof diag->node, node, node_len);
}
