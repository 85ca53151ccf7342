/* str.c - string hashing and the growing text buffer
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/str.h"
#include "base/size.h"
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

uint64_t mote_str_hash(mote_str s)
{
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 1099511628211u;
    return h;
}

/* Not known to who made a file: where this process's code and data lie, and the time. */
mote_hash_key mote_hash_key_make(const void *place)
{
    struct timespec now = {0, 0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    mote_hash_key key = {(uint64_t)(uintptr_t)place ^ (uint64_t)now.tv_nsec << 32, (uint64_t)(uintptr_t)&mote_hash_key_make ^ (uint64_t)now.tv_sec << 24};
    return key;
}

static uint64_t turn(uint64_t x, unsigned b) { return x << b | x >> (64 - b); }

static void sip_round(uint64_t v[4])
{
    v[0] += v[1], v[2] += v[3];
    v[1] = turn(v[1], 13) ^ v[0], v[3] = turn(v[3], 16) ^ v[2];
    v[0] = turn(v[0], 32);
    v[2] += v[1], v[0] += v[3];
    v[1] = turn(v[1], 17) ^ v[2], v[3] = turn(v[3], 21) ^ v[0];
    v[2] = turn(v[2], 32);
}

uint64_t mote_str_hash_keyed(mote_hash_key key, mote_str s)
{
    uint64_t v[4] = {key.k0 ^ 0x736f6d6570736575u, key.k1 ^ 0x646f72616e646f6du, key.k0 ^ 0x6c7967656e657261u, key.k1 ^ 0x7465646279746573u};
    for (size_t at = 0;; at += 8) {
        size_t left = s.n - at;
        uint64_t m = left < 8 ? (uint64_t)s.n << 56 : 0;
        if (left != 0)
            memcpy(&m, s.p + at, left < 8 ? left : 8);
        v[3] ^= m;
        sip_round(v);
        v[0] ^= m;
        if (left < 8)
            break;
    }
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void mote_text_init(mote_text *t, mote_heap *heap) { *t = (mote_text){heap, NULL, 0, 0, false}; }

void mote_text_deinit(mote_text *t)
{
    mote_heap_free(t->heap, t->p, t->cap);
    t->p = NULL;
    t->n = t->cap = 0;
}

static bool reserve(mote_text *t, size_t more)
{
    size_t need;
    if (!t->failed && mote_size_add(t->n, more, &need) && mote_size_add(need, 1, &need)) {
        void *p = t->p;
        if (mote_heap_grow(t->heap, &p, &t->cap, need, 1)) {
            t->p = p;
            return true;
        }
    }
    t->failed = true;
    return false;
}

void mote_text_put(mote_text *t, const void *bytes, size_t n)
{
    if (!reserve(t, n))
        return;
    if (n != 0)
        memcpy(t->p + t->n, bytes, n);
    t->n += n;
    t->p[t->n] = 0;
}

void mote_text_str(mote_text *t, mote_str s) { mote_text_put(t, s.p, s.n); }

void mote_text_printf(mote_text *t, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n < 0)
        t->failed = true;
    else if (reserve(t, (size_t)n)) {
        vsnprintf(t->p + t->n, (size_t)n + 1, fmt, again);
        t->n += (size_t)n;
    }
    va_end(again);
}

size_t mote_utf8_length(const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xc2 && p[0] <= 0xdf)
        return n >= 2 && (p[1] & 0xc0) == 0x80 ? 2 : 0;
    if ((p[0] & 0xf0) == 0xe0) {
        if (n < 3 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80)
            return 0;
        return (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ? 0 : 3;
    }
    if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        if (n < 4 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80 || (p[3] & 0xc0) != 0x80)
            return 0;
        return (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f) ? 0 : 4;
    }
    return 0;
}

size_t mote_utf8_put(char out[4], uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

void mote_text_json(mote_text *t, mote_str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    mote_text_put(t, "\"", 1);
    for (size_t i = 0; i < s.n;) {
        size_t n = mote_utf8_length(p + i, s.n - i);
        if (n == 0) {
            mote_text_put(t, "\xef\xbf\xbd", 3);
            i++;
        } else if (n > 1) {
            mote_text_put(t, p + i, n);
            i += n;
        } else {
            if (p[i] == '"' || p[i] == '\\')
                mote_text_printf(t, "\\%c", p[i]);
            else if (p[i] < 0x20 || p[i] == 0x7f)
                mote_text_printf(t, "\\u%04x", p[i]);
            else
                mote_text_put(t, p + i, 1);
            i++;
        }
    }
    mote_text_put(t, "\"", 1);
}
