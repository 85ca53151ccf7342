/* forms.h - the operators of domain "mote": forms that lowering makes, never read from or written to a file
 * SPDX-License-Identifier: Apache-2.0
 *
 * Images are channels-last: X[n, d1..dr, c], r = 1..3 spatial dimensions. Weights keep ONNX's order (W[m, c/group, k1..kr]); packing reads them once.
 *
 *   Conv(X, W, B?, R?)      y = act(b[m] + sum_(k1..kr, c ascending) x w, one fma a term, + r): r is added after the sum is rounded; the two broadcast
 *                           (where they do, there is no fast path). `repeat` f: before that, each element of R's dimension 1 stands f times.
 *                           `gate` 1: what that gives, of 2n channels, goes through Gate: Y has n
 *                           auto_pad, dilations, group, pads, strides as ONNX Conv-11
 *   Gemm(X, W, B?, R?)      X[.., k] W[k, n] (transB: W[n, k]) B[n] R: y = act(b + sum_(k ascending) x w, one fma a term, + r), r as Conv's
 *   MaxPool(X), AveragePool(X), GlobalAveragePool(X), GlobalMaxPool(X)   as ONNX's, channels last. Averages: sum ascending over the window, then / count
 *   Gate(X)                 X[.., 2n] -> Y[.., n] = tanh(x[.., :n]) sigmoid(x[.., n:])
 *   Attention(Q, K, V, M?)  Q[b, l, heads d] K[b, s, heads d] V[b, s, heads e] M broadcast to [b, heads, l, s]: for each head
 *                           softmax(scale (q k') + m) v -> Y[b, l, heads e]; products ascending over d and s, one fma a term from 0; of at
 *                           most 4 rows (l) q k' is summed in 16 lanes (kernels/attend/attend.h)
 *   AddLayerNormalization(A, B, S, O?) -> (Y, A+B?)   Y = LayerNormalization(A + B, S, O; axis -1, epsilon): kernels/norm/norm.h
 *   QConv(X, xs, xz, W, ws, wz, ys, yz, B?, T?), QGemm(same)
 *                           QLinearConv (channels last) and QLinearMatMul with B s32[m], then clamped to [qmin, qmax], then, with T[256],
 *                           T[(uint8_t)y]. ws, wz: one or m values. m = f32(f64(xs) ws / ys);
 *                           y = clamp(round_half_even(f32(acc) m) + yz)
 *   MatMulIntegerToFloat(A, B, az?, bz?, S, bias?)   f32(ONNX MatMulInteger's sum) s[n] + bias[n], two roundings; S: one value or n
 *   ConvInteger(X, W, xz?, wz?)   ONNX's, channels last: s32 sums of (x - xz) (w - wz)
 *   QUnary(X, T)            T[(uint8_t)x], X of 8 bits, T[256] of 8 bits
 *   QChain(X, xs, xz?, ys, yz, C*)   y = clamp(round_half_even(f_k(.. f_1((x - xz) xs)) / ys) + yz): f are the functions that the attribute `steps` names,
 *                           with spaces between: of kernels/unary with two values of `params` for each step, or "add" "sub" "mul" "div" "prelu" with
 *                           the next C, one value or one for each of the last axis, on the right
 *   QAdd(A, as, az?, B, bs, bz?, ys, yz), QMul(same)
 *                           A and B of one type, broadcast: y = clamp(round_half_even(((a - az) as op (b - bz) bs) / ys) + yz), each step in f32
 *   QAveragePool(X, xs, xz?, ys, yz), QGlobalAveragePool(same)
 *                           channels last: y = clamp(round_half_even(f32(sum of x - xz) m) + yz), m = f32(f64(xs) / (count ys)); the sum in s32
 *   QSoftmax(X, xs, xz?, ys, yz)  along the last axis: softmax in f32 (kernels/softmax/softmax.h) of (x - xz) xs, quantized
 *
 * act: attributes `activation` (a row's name in kernels/unary/unary_ops.inc; absent: none) and its parameters `p0`, `p1`. */
#ifndef MOTE_OPS_FORMS_H
#define MOTE_OPS_FORMS_H

#include "kernels/unary/unary.h"
#include "ops/op.h"

/* The activation of a fused node. False: none (or one that this build does not know: resolve has refused it before). */
bool mote_form_activation(const mote_node *n, mote_unary *op, float params[2]);
/* "relu" -> MOTE_UNARY_RELU; MOTE_UNARY_COUNT when unknown. */
mote_unary mote_unary_find(mote_str name);
const char *mote_unary_name(mote_unary op);

/* Output 0 of a node with input `residual`, R: dims, broadcast with R's (dimension 1 times the attribute `repeat`). */
mote_status mote_form_infer_sum(mote_infer *c, uint32_t residual, mote_dtype dtype, int32_t rank, int64_t *dims);
/* Where evaluation puts the sum of this shape: output 0's memory when R leaves the shape as it is, else memory that mote_form_finish frees. */
mote_status mote_form_sum(mote_eval *c, int32_t rank, const int64_t *dims, mote_array *sum);
/* output 0 = act(sum + R). Frees what mote_form_sum allocated; `status` is the evaluation's so far, and is returned when it is a failure. */
mote_status mote_form_finish(mote_eval *c, mote_array *sum, uint32_t residual, mote_status status);

/* y[rows, n] = Gate(x[rows, 2n]) */
void mote_form_gate(const float *x, float *y, size_t rows, size_t n);

/* A sliding window over r spatial dimensions. */
typedef struct mote_window {
    int32_t r;
    int64_t kernel[MOTE_MAX_RANK], stride[MOTE_MAX_RANK], dilation[MOTE_MAX_RANK], pad_begin[MOTE_MAX_RANK], pad_end[MOTE_MAX_RANK];
    int64_t in[MOTE_MAX_RANK], out[MOTE_MAX_RANK]; /* MOTE_DIM_UNKNOWN where in is not known */
} mote_window;
/* From a node's auto_pad, dilations, pads, strides and (pools) ceil_mode; kernel: the window's sizes (>= 1), in: r input sizes. Output sizes are
 * checked to be at least 0. ceil_mode as ONNX 1.17: a window that would start in the end padding does not count. */
mote_status mote_window_of(const mote_node *n, int32_t r, const int64_t *kernel, const int64_t *in, mote_window *w, mote_diag *diag);

/* The attribute's `want` integers, each >= low and below 2^40, or `absent` for all. */
mote_status mote_window_list(const mote_node *n, const char *name, size_t want, int64_t low, int64_t absent, int64_t *out, mote_diag *diag);

/* Requantization as DESIGN's Numerics: the multiplier of an output channel, and one value. */
MOTE_INLINE float mote_requant_scale(float xs, float ws, float ys) { return (float)((double)xs * (double)ws / (double)ys); }
/* The multiplier of a sum of `count` elements that becomes their mean. */
MOTE_INLINE float mote_requant_mean(float xs, size_t count, float ys) { return (float)((double)xs / ((double)count * (double)ys)); }

#endif
