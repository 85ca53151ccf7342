/* str.h - string views (length, not NUL), hashing, a growing text buffer
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_BASE_STR_H
#define MOTE_BASE_STR_H

#include "base/heap.h"
#include <string.h>

/* Borrowed bytes; names from a file may contain NUL and invalid UTF-8. */
typedef struct mote_str {
    const char *p;
    size_t n;
} mote_str;

#define MOTE_STR(literal) ((mote_str){(literal), sizeof(literal) - 1})
/* printf("%.*s", MOTE_STR_ARG(s)); clipped to 200 bytes */
#define MOTE_STR_ARG(s) (int)((s).n > 200 ? 200 : (s).n), ((s).p ? (s).p : "")

MOTE_INLINE mote_str mote_str_c(const char *c) { return (mote_str){c, c ? strlen(c) : 0}; }
MOTE_INLINE bool mote_str_eq(mote_str a, mote_str b) { return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0); }
MOTE_INLINE bool mote_str_is(mote_str a, const char *c) { return mote_str_eq(a, mote_str_c(c)); }
MOTE_INLINE int mote_str_compare(mote_str a, mote_str b) /* by bytes; a prefix comes first */
{
    const size_t n = a.n < b.n ? a.n : b.n;
    const int c = n == 0 ? 0 : memcmp(a.p, b.p, n);
    return c != 0 ? c : (a.n > b.n) - (a.n < b.n);
}
uint64_t mote_str_hash(mote_str s); /* FNV-1a, 64 bits: the same everywhere and always */
/* SipHash-1-3 (Aumasson, Bernstein 2012) under a secret key: for tables of names that a file chose. */
typedef struct mote_hash_key {
    uint64_t k0, k1;
} mote_hash_key;
mote_hash_key mote_hash_key_make(const void *place);
uint64_t mote_str_hash_keyed(mote_hash_key key, mote_str s);
/* Length of the well-formed UTF-8 sequence at p (n bytes left, at least 1), or 0. Overlong forms, surrogates and what is above U+10FFFF are
 * ill-formed. */
size_t mote_utf8_length(const void *p, size_t n);
/* Writes a scalar value (not a surrogate, at most U+10FFFF) as UTF-8; returns 1 to 4. */
size_t mote_utf8_put(char out[4], uint32_t c);

/* A growing byte buffer, always NUL-terminated once written to. Failure is sticky: check .failed at the end. */
typedef struct mote_text {
    mote_heap *heap; /* borrowed */
    char *p;
    size_t n, cap;
    bool failed;
} mote_text;

void mote_text_init(mote_text *t, mote_heap *heap);
void mote_text_deinit(mote_text *t);
void mote_text_put(mote_text *t, const void *bytes, size_t n);
void mote_text_str(mote_text *t, mote_str s);
void mote_text_printf(mote_text *t, const char *fmt, ...) MOTE_PRINTF(2, 3);
/* A JSON string with its quotes; invalid UTF-8 becomes U+FFFD. */
void mote_text_json(mote_text *t, mote_str s);

#endif
