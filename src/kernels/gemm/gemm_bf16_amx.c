/* gemm_bf16_amx.c - gemm in bfloat16 on tile registers (TDPBF16PS): 16 rows by 16 columns of sums, 32 terms at a time
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_X86_64
#include "kernels/gemm/gemm_bf16.h"
#include "kernels/vec/vec_avx512.h"
#undef VTARGET
#define VTARGET MOTE_TARGET("avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx512bf16,avx2,fma,f16c,amx-tile,amx-bf16")

#define TILE_DOT(c, a, b) _tile_dpbf16ps(c, a, b)
#include "kernels/gemm/amx_tmpl.h"

/* Bytes of k. */
VF size_t row_bytes(size_t taps, size_t kc) { return 4 * mote_gemm_bf16_depth(taps, kc); }

static VTARGET void begin(size_t taps, size_t kc) { tiles_begin(row_bytes(taps, kc)); }

VF __mmask16 bits(size_t lo, size_t hi) { return lo >= hi ? (__mmask16)0 : (__mmask16)((1u << hi) - (1u << lo)); }
/* Of lo..hi (0..32) what falls into 16 from `half` on. */
VF __mmask16 part(size_t lo, size_t hi, size_t half)
{
    const size_t a = lo > half ? lo - half : 0, b = hi > half ? hi - half : 0;
    return bits(mote_min_size(a, 16), mote_min_size(b, 16));
}

static VTARGET void gather(const mote_gemm_f32_tile *t, void *dst)
{
    const size_t tap_terms = 2 * mote_div_up(t->kc, 2), all = row_bytes(t->taps, t->kc) / 2, step = cut_of(2 * all) / 2;
    char *out = dst;
    for (size_t cut = 0; cut < all; cut += step, out += CUT) {
        const size_t to = cut + step, first = cut / tap_terms;
        for (size_t i = 0; i < t->m; i++) {
            __m512 lower = _mm512_setzero_ps(), upper = lower;
            for (size_t tap = first; tap < t->taps && tap * tap_terms < to; tap++) {
                const size_t start = tap * tap_terms, lo = mote_max_size(start, cut) - cut, hi = mote_min_size(start + t->kc, to);
                const size_t past = hi > cut ? hi - cut : 0;
                /* the address may lie outside of the row: what is masked is not read */
                const float *a = (const float *)((uintptr_t)t->a[tap * t->a_step + i] + (t->a_offset + cut - start) * sizeof *a);
                lower = _mm512_or_ps(lower, _mm512_maskz_loadu_ps(part(lo, past, 0), a));
                upper = _mm512_or_ps(upper, _mm512_maskz_loadu_ps(part(lo, past, 16), (const float *)((uintptr_t)a + 16 * sizeof *a)));
            }
            const __m512bh pair = _mm512_cvtne2ps_pbh(upper, lower);
            memcpy(out + i * CUT_BYTES, &pair, sizeof pair);
        }
    }
    IN_MEMORY(dst);
}

const struct mote_gemm_f32_hooks mote_gemm_bf16_amx_hooks = {CUT, begin, tiles_end, gather};

/* sum: m rows of w lanes, without the bias. */
static VTARGET void finish(const mote_gemm_f32_tile *t, const float *sum, size_t w)
{
    const vf lo = vf_set(t->lo), hi = vf_set(t->hi);
    const bool add = (t->flags & MOTE_GEMM_ADD_C) != 0, clamp = (t->flags & MOTE_GEMM_CLAMP) != 0;
    for (size_t i = 0; i < t->m; i++)
        for (size_t j = 0; j < t->n; j += 16) {
            const size_t n = t->n - j < 16 ? t->n - j : 16;
            float *c = t->c + i * t->c_stride + j;
            vf v = vf_add(vf_load(sum + i * w + j), add ? vf_loadn(c, n) : vf_load(t->bias + j));
            if (t->residual != NULL)
                v = vf_add(v, vf_loadn(t->residual + i * t->residual_stride + j, n));
            if (clamp)
                v = vf_min(hi, vf_max(lo, v)); /* NaN stays */
            vf_storen(c, n, v);
        }
}

VTARGET void mote_gemm_f32_bf16_f32_32x48_amx(const mote_gemm_f32_tile *t)
{
    _Alignas(64) float sum[2 * TILE_ROWS * 48];
    const size_t w = (t->n + 15) / 16 * 16;
    tiles_product(t->gathered, (const char *)t->b, row_bytes(t->taps, t->kc), t->m, w, sum);
    finish(t, sum, w);
}
#else
typedef int gemm_bf16_amx_empty;
#endif
