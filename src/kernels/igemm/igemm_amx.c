/* igemm_amx.c - integer gemm on tile registers (TDPBUSD): 16 rows by 16 columns of sums, 64 bytes of k at a time
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_X86_64
#include "kernels/igemm/igemm.h"
#include "kernels/vec/vec_avx512.h"
#undef VTARGET
#define VTARGET MOTE_TARGET("avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx512vnni,avx2,fma,f16c,amx-tile,amx-int8")
#define TILE_NV 3
#include "kernels/igemm/igemm_finish_tmpl.h"
#define TILE_DOT(c, a, b) _tile_dpbusd(c, a, b)
#include "kernels/gemm/amx_tmpl.h"

enum { FEW = 6 /* rows: tiles of so few are no faster than vectors */ };

/* Bytes lo..hi (0..64). */
VF uint64_t bytes_mask(size_t lo, size_t hi) { return lo >= hi ? 0 : (hi == 64 ? 0 : (uint64_t)1 << hi) - ((uint64_t)1 << lo); }

/* Bytes from..to of the m rows' strings, at the place that they have in the cut that begins at `cut`; zeros around. */
static VTARGET void gather_cut(const mote_igemm_tile *t, size_t cut, size_t from, size_t to, uint8_t *dst)
{
    const size_t tap_bytes = (t->kc + 3) / 4 * 4;
    const __m512i flip = _mm512_set1_epi32((int32_t)t->flip);
    for (size_t tap = from / tap_bytes, first = tap; tap < t->taps && tap * tap_bytes < to; tap++) {
        const size_t start = tap * tap_bytes, lo = mote_max_size(start, from), hi = mote_min_size(start + t->kc, to);
        const uint64_t mask = hi > lo ? bytes_mask(lo - cut, hi - cut) : 0;
        const void *const *a = t->a + tap * t->a_step;
        for (size_t i = 0; i < t->m; i++) {
            /* the address may lie outside of the row: masked bytes are not read */
            __m512i v = _mm512_maskz_loadu_epi8(mask, (const void *)((uintptr_t)a[i] + cut - start));
            v = _mm512_maskz_mov_epi8(mask, _mm512_xor_si512(v, flip));
            if (tap != first)
                v = _mm512_or_si512(v, _mm512_load_si512(dst + i * CUT_BYTES));
            _mm512_store_si512(dst + i * CUT_BYTES, v);
        }
    }
}

static VTARGET void begin(size_t taps, size_t kc) { tiles_begin(4 * mote_igemm_groups(taps, kc)); }

/* Each cut: 32 rows of 64 bytes. Tiles of rows that lie apart are slow to load. */
static VTARGET void gather(const mote_igemm_tile *t, void *dst)
{
    const size_t bytes = 4 * mote_igemm_groups(t->taps, t->kc), depth = cut_of(bytes);
    for (size_t from = 0; from < bytes; from += depth)
        gather_cut(t, mote_min_size(from, bytes - depth), from, mote_min_size(from + depth, bytes), (uint8_t *)dst + from / depth * CUT);
    IN_MEMORY(dst);
}

const mote_igemm_hooks mote_igemm_amx_hooks = {CUT, begin, tiles_end, gather};

VTARGET void mote_igemm_u8_s8_s32_32x48c4_amx(const mote_igemm_tile *t)
{
    if (t->m <= FEW) {
        mote_igemm_u8_s8_s32_8x48c4_avx512vnni(t);
        return;
    }
    _Alignas(64) int32_t sum[2 * TILE_ROWS * 48];
    const size_t w = (t->n + 15) / 16 * 16;
    tiles_product(t->gathered, (const char *)t->b + 16 * w, 4 * mote_igemm_groups(t->taps, t->kc), t->m, w, sum);
    finish(t, sum, w, true);
}
#else
typedef int igemm_amx_empty;
#endif
