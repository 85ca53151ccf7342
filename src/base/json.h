/* json.h - a reader for JSON texts that nobody vouches for (RFC 8259, strict)
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_BASE_JSON_H
#define MOTE_BASE_JSON_H

#include "base/arena.h"
#include "base/diag.h"

typedef enum mote_json_kind {
    MOTE_JSON_NULL,
    MOTE_JSON_BOOL,
    MOTE_JSON_INT,  /* no point, no exponent, fits int64 */
    MOTE_JSON_REAL, /* every other number */
    MOTE_JSON_STRING,
    MOTE_JSON_ARRAY,
    MOTE_JSON_OBJECT
} mote_json_kind;

typedef struct mote_json mote_json;
struct mote_json {
    mote_json_kind kind;
    uint32_t line;   /* where the value begins, from 1 */
    mote_str key;    /* the member's name in an object; NUL-terminated */
    mote_json *next; /* the next element or member, in the text's order */
    union {
        bool boolean;
        int64_t integer;
        double real;
        mote_str string; /* NUL-terminated; may hold NULs */
        struct {
            mote_json *first;
            mote_json **sorted; /* objects: members by name */
        } items;
    } u;
    size_t count; /* elements or members */
};

/* Limits of one text: a reader of megabytes of labels or of a vocabulary, not of data. */
enum { MOTE_JSON_MAX_BYTES = 8 << 20, MOTE_JSON_MAX_VALUES = 1 << 19, MOTE_JSON_MAX_DEPTH = 64 };

/* Reads the whole text; *root and everything below live in the arena (the text may go). Invalid UTF-8, lone surrogates, names that occur twice in
 * an object, numbers beyond f64 and anything after the value are refused. Returns MOTE_OK, MOTE_E_FORMAT (diag: line, column and what was
 * expected), MOTE_E_LIMIT, MOTE_E_MEMORY. */
mote_status mote_json_parse(mote_arena *arena, mote_str text, mote_json **root, mote_diag *diag);

/* The member of that name; NULL when there is none, or j is NULL or no object. */
const mote_json *mote_json_get(const mote_json *j, const char *key);
/* A number as f64; false when j is NULL or no number. */
bool mote_json_number(const mote_json *j, double *out);
/* An integer, also one written as 3.0 or 3e2; false when j is NULL or no integer in int64. */
bool mote_json_integer(const mote_json *j, int64_t *out);
/* "a string", "an object", ...: for messages. */
const char *mote_json_kind_name(mote_json_kind kind);

#endif
