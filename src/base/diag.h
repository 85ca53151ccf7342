/* diag.h - how a failure begins and travels inside the library
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_BASE_DIAG_H
#define MOTE_BASE_DIAG_H

#include "base/platform.h"
#include <mote/mote.h>

/* Writes code and message unless `diag` is NULL or already holds a failure (the first cause stays). Returns `code`. */
mote_status mote_fail(mote_diag *diag, mote_status code, const char *fmt, ...) MOTE_PRINTF(3, 4) MOTE_COLD;
/* Names the operator and node of a failure that is already there, if they are still empty. Names are copied, clipped, made printable. */
void mote_diag_node(mote_diag *diag, const char *op, size_t op_len, const char *node, size_t node_len) MOTE_COLD;

/* Where lines for the application's log go; fn NULL: nowhere. */
typedef struct mote_log {
    mote_log_fn fn;
    void *ctx;
} mote_log;
/* One line, clipped at 512 bytes, control characters as '?'. log may be NULL. */
void mote_log_line(const mote_log *log, mote_log_level level, const char *fmt, ...) MOTE_PRINTF(3, 4);

/* Begins a failure: "what was seen, what was expected". */
#define MOTE_FAIL(diag, code, ...) return mote_fail((diag), (code), __VA_ARGS__)
/* Begins a failure when a condition that a file or caller controls does not hold. */
#define MOTE_REQUIRE(cond, diag, code, ...)                                                                            \
    do {                                                                                                               \
        if (MOTE_UNLIKELY(!(cond)))                                                                                    \
            return mote_fail((diag), (code), __VA_ARGS__);                                                             \
    } while (0)
/* Forwards a failure. */
#define MOTE_TRY(expr)                                                                                                 \
    do {                                                                                                               \
        mote_status try_status_ = (expr);                                                                              \
        if (MOTE_UNLIKELY(try_status_ != MOTE_OK))                                                                     \
            return try_status_;                                                                                        \
    } while (0)
#define MOTE_NO_MEMORY(diag, bytes) mote_fail((diag), MOTE_E_MEMORY, "out of memory (%zu bytes asked)", (size_t)(bytes))

#endif
