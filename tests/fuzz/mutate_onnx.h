/* mutate_onnx.h - a mutation that keeps a protobuf message well-formed: one field, at any depth, is changed, doubled, moved or dropped
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_FUZZ_MUTATE_ONNX_H
#define MOTE_FUZZ_MUTATE_ONNX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef size_t (*mutate_fn)(uint8_t *data, size_t size, size_t max);

typedef struct mutate_field {
    size_t at, body, end; /* of the key, of the payload, behind it */
    unsigned type;
} mutate_field;

static bool mutate_varint(const uint8_t *p, size_t n, size_t *at, uint64_t *v)
{
    *v = 0;
    for (unsigned shift = 0; shift < 64 && *at < n; shift += 7) {
        uint8_t b = p[(*at)++];
        *v |= (uint64_t)(b & 0x7f) << shift;
        if ((b & 0x80) == 0)
            return true;
    }
    return false;
}

static size_t mutate_put(uint8_t *to, uint64_t v)
{
    size_t n = 0;
    do {
        to[n++] = (uint8_t)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
        v >>= 7;
    } while (v != 0);
    return n;
}

/* Splits a message into fields; false when it is none. */
static bool mutate_split(const uint8_t *p, size_t n, mutate_field *f, size_t cap, size_t *count)
{
    *count = 0;
    for (size_t at = 0; at < n;) {
        uint64_t key, length;
        mutate_field one = {.at = at};
        if (*count == cap || !mutate_varint(p, n, &at, &key) || key >> 3 == 0 || key >> 3 > 64)
            return false;
        one.type = key & 7;
        one.body = at;
        switch (one.type) {
        case 0:
            if (!mutate_varint(p, n, &at, &length))
                return false;
            break;
        case 1: at += 8; break;
        case 5: at += 4; break;
        case 2:
            if (!mutate_varint(p, n, &at, &length) || length > n - at)
                return false;
            one.body = at;
            at += (size_t)length;
            break;
        default: return false;
        }
        if (at > n)
            return false;
        one.end = at;
        f[(*count)++] = one;
    }
    return *count != 0;
}

static uint32_t mutate_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* Writes the mutated message to `to` (at most max bytes); 0: it did not fit or is no message. */
static size_t mutate_message(const uint8_t *p, size_t n, uint8_t *to, size_t max, uint32_t *state, int depth, mutate_fn mutate)
{
    static const uint64_t numbers[] = {0, 1, 2, 3, 4, 7, 8, 16, 255, 65535, 1u << 31, 0x7fffffff, UINT64_MAX, UINT64_MAX - 1, (uint64_t)1 << 62, (uint64_t)1 << 63};
    enum { CAP = 4096 };
    mutate_field *f = malloc(CAP * sizeof *f);
    size_t count, out = 0;
    if (f == NULL || !mutate_split(p, n, f, CAP, &count)) {
        free(f);
        return 0;
    }
    size_t k = mutate_random(state) % count, other = mutate_random(state) % count;
    unsigned what = mutate_random(state) % 8;
    for (size_t i = 0; i < count; i++) {
        size_t whole = f[i].end - f[i].at, head = f[i].body - f[i].at;
        if (max - out < 2 * whole + 64) {
            out = 0;
            break;
        }
        if (i != k) {
            memcpy(to + out, p + f[i].at, whole);
            out += whole;
            continue;
        }
        if (what == 0)
            continue; /* dropped */
        if (what == 1) { /* twice, or another in its place */
            const mutate_field *o = mutate_random(state) % 2 == 0 ? &f[i] : &f[other];
            if (max - out < whole + (o->end - o->at) + 64) {
                out = 0;
                break;
            }
            memcpy(to + out, p + f[i].at, whole);
            out += whole;
            memcpy(to + out, p + o->at, o->end - o->at);
            out += o->end - o->at;
        } else if (f[i].type == 0) {
            memcpy(to + out, p + f[i].at, head);
            out += head;
            out += mutate_put(to + out, numbers[mutate_random(state) % (sizeof numbers / sizeof numbers[0])]);
        } else if (f[i].type != 2) {
            memcpy(to + out, p + f[i].at, whole);
            for (size_t b = head; b < whole; b++)
                if (mutate_random(state) % 2 == 0)
                    to[out + b] = (uint8_t)mutate_random(state);
            out += whole;
        } else {
            size_t length = f[i].end - f[i].body, key = head, got = 0, room = max - out - 16 < 2 * length + 64 ? max - out - 16 : 2 * length + 64;
            while (key > 1 && (p[f[i].at + key - 1] & 0x80) != 0) /* the length's bytes end the head */
                key--;
            key = 0;
            while ((p[f[i].at + key] & 0x80) != 0)
                key++;
            key++;
            uint8_t *inner = malloc(room + 1);
            if (inner != NULL && depth < 40 && length != 0 && what != 2)
                got = mutate_message(p + f[i].body, length, inner, room, state, depth + 1, mutate);
            if (inner != NULL && got == 0 && length <= room) {
                if (length != 0)
                    memcpy(inner, p + f[i].body, length);
                if (other != i && f[other].type == 2 && f[other].end - f[other].body <= room && mutate_random(state) % 3 == 0) {
                    got = f[other].end - f[other].body; /* another field's bytes: a name that is another's */
                    memcpy(inner, p + f[other].body, got);
                } else {
                    got = mutate(inner, length, room);
                }
            }
            if (inner != NULL && max - out > got + 32) {
                memcpy(to + out, p + f[i].at, key);
                out += key;
                out += mutate_put(to + out, got);
                memcpy(to + out, inner, got);
                out += got;
            }
            free(inner);
        }
    }
    free(f);
    return out;
}

static inline size_t mutate_onnx(uint8_t *data, size_t size, size_t max, unsigned seed, mutate_fn mutate)
{
    uint32_t state = seed | 1;
    uint8_t *to = malloc(max + 1);
    size_t n = to == NULL || size == 0 ? 0 : mutate_message(data, size, to, max, &state, 0, mutate);
    if (n != 0)
        memcpy(data, to, n);
    free(to);
    return n;
}

#endif
