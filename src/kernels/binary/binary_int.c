/* binary_int.c - elementwise integer arithmetic, shifts and comparison
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/binary/binary.h"

/* Sums and products are formed in u64, whose low bits are those of the wrapped result in every type. */
#define WRAP(type, expr) ((type)(expr))
#define LOOP(name, type, out, expr)                                                                                    \
    static void name##_##type(const void *pa, const void *pb, void *py, size_t n, unsigned form)                       \
    {                                                                                                                  \
        const type *a = pa, *b = pb;                                                                                   \
        out *y = py;                                                                                                   \
        if (form == MOTE_FORM_VV) {                                                                                    \
            for (size_t i = 0; i < n; i++) {                                                                           \
                type u = a[i], v = b[i];                                                                               \
                y[i] = expr;                                                                                           \
            }                                                                                                          \
        } else {                                                                                                       \
            size_t da = form == MOTE_FORM_SV ? 0 : 1, db = form == MOTE_FORM_VS ? 0 : 1;                               \
            for (size_t i = 0; i < n; i++) {                                                                           \
                type u = a[i * da], v = b[i * db];                                                                     \
                y[i] = expr;                                                                                           \
            }                                                                                                          \
        }                                                                                                              \
    }
#define TYPE(type, divide, truncated, floored, beyond)                                                                                            \
    LOOP(add, type, type, WRAP(type, (uint64_t)u + (uint64_t)v))                                                       \
    LOOP(sub, type, type, WRAP(type, (uint64_t)u - (uint64_t)v))                                                       \
    LOOP(mul, type, type, WRAP(type, (uint64_t)u *(uint64_t)v))                                                        \
    LOOP(div, type, type, divide)                                                                                      \
    LOOP(fmod, type, type, truncated)                                                                                  \
    LOOP(mod, type, type, floored)                                                                                     \
    LOOP(shl, type, type, (uint64_t)v < 8 * sizeof(type) ? WRAP(type, (uint64_t)u << (v & 63)) : 0)                    \
    LOOP(shr, type, type, (uint64_t)v < 8 * sizeof(type) ? (type)(u >> v) : (type)(beyond))                            \
    LOOP(min, type, type, u < v ? u : v)                                                                               \
    LOOP(max, type, type, u > v ? u : v)                                                                               \
    LOOP(eq, type, uint8_t, u == v)                                                                                    \
    LOOP(ne, type, uint8_t, u != v)                                                                                    \
    LOOP(lt, type, uint8_t, u < v)                                                                                     \
    LOOP(le, type, uint8_t, u <= v)                                                                                    \
    LOOP(gt, type, uint8_t, u > v)                                                                                     \
    LOOP(ge, type, uint8_t, u >= v)
/* the remainder towards zero, and moved to the divisor's sign */
#define REST(type) (v == 0 || v == -1 ? 0 : (type)(u % v))
#define FLOORED(type) (REST(type) != 0 && (REST(type) < 0) != (v < 0) ? (type)(REST(type) + v) : REST(type))
#define SIGNED(type)                                                                                                   \
    TYPE(type, v == 0 ? 0 : v == -1 ? WRAP(type, 0 - (uint64_t)u) : (type)(u / v), REST(type), FLOORED(type), u < 0 ? -1 : 0)
#define UNSIGNED(type) TYPE(type, v == 0 ? 0 : (type)(u / v), v == 0 ? 0 : (type)(u % v), v == 0 ? 0 : (type)(u % v), 0)
SIGNED(int8_t)
SIGNED(int16_t)
SIGNED(int32_t)
SIGNED(int64_t)
UNSIGNED(uint8_t)
UNSIGNED(uint16_t)
UNSIGNED(uint32_t)
UNSIGNED(uint64_t)

#define COLUMN(ID, name)                                                                                               \
    [MOTE_BINARY_##ID] = {name##_uint8_t, name##_int8_t, name##_uint16_t, name##_int16_t, name##_uint32_t,             \
                          name##_int32_t, name##_uint64_t, name##_int64_t}
static const mote_binary_int_fn table[MOTE_BINARY_INT_COUNT][8] = {
    COLUMN(ADD, add), COLUMN(SUB, sub), COLUMN(MUL, mul), COLUMN(DIV, div), COLUMN(MIN, min), COLUMN(MAX, max),
    COLUMN(EQ, eq),   COLUMN(NE, ne),   COLUMN(LT, lt),   COLUMN(LE, le),   COLUMN(GT, gt),   COLUMN(GE, ge),
    COLUMN(MOD, mod), COLUMN(FMOD, fmod), COLUMN(SHL, shl), COLUMN(SHR, shr),
};

mote_binary_int_fn mote_binary_int_select(mote_binary op, unsigned bits, bool is_signed)
{
    unsigned k = bits == 8 ? 0 : bits == 16 ? 2 : bits == 32 ? 4 : 6;
    return table[op][k + (is_signed ? 1 : 0)];
}
