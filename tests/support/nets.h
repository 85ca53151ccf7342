/* nets.h - small models of every kind as text, for tests through the public interface
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_NETS_H
#define TESTS_SUPPORT_NETS_H

#define NET "module ir 8 opset \"\" 17 graph "

/* Convolutions of every kind, normalization, pools, a classifier. */
static const char conv_net[] =
    NET "(x: float32[N,3,H,W]) {\n"
        "const w1: float32[16,3,3,3] random 1 const b1: float32[16] random 2 const w2: float32[16,1,5,5] random 3 const w3: float32[24,16,1,1] random 4\n"
        "const s: float32[16] random 5 const t: float32[16] random 6 const m: float32[16] random 7 const v: float32[16] fill 0.7\n"
        "const w4: float32[24,24,3,3] random 8 const f: float32[24,10] random 9 const g: float32[10] random 10\n"
        "a = Conv(x, w1, b1) {strides=[2, 2], pads=[1, 1, 1, 1]} b = BatchNormalization(a, s, t, m, v) c = HardSwish(b)\n"
        "d = Conv(c, w2) {group=16, pads=[2, 2, 2, 2]} e = Relu(d) h = Add(e, c) i = Conv(h, w3) j = MaxPool(i) {kernel_shape=[2, 2], strides=[2, 2]}\n"
        "k = Conv(j, w4) {pads=[1, 1, 1, 1]} l = Add(k, j) o = GlobalAveragePool(l) p = Flatten(o) q = Gemm(p, f, g) y = Softmax(q) return y, l }";

/* Attention, layer normalization and a feed-forward block, of any length. */
static const char transformer_net[] =
    NET "(x: float32[N,L,32], mask: float32[N,1,1,L]) {\n"
        "const wq: float32[32,32] random 1 const wk: float32[32,32] random 2 const wv: float32[32,32] random 3 const wo: float32[32,32] random 4\n"
        "const s: float32[32] random 5 const b: float32[32] random 6 const w1: float32[32,64] random 7 const w2: float32[64,32] random 8\n"
        "const heads: int64[4] {0, 0, 4, 8} const flat: int64[3] {0, 0, 32} const scale: float32[] {0.35} const half: float32[] {0.5}\n"
        "const root: float32[] {1.4142135} const one: float32[] {1.0}\n"
        "q0 = MatMul(x, wq) q1 = Reshape(q0, heads) q = Transpose(q1) {perm=[0, 2, 1, 3]}\n"
        "k0 = MatMul(x, wk) k1 = Reshape(k0, heads) k = Transpose(k1) {perm=[0, 2, 3, 1]}\n"
        "v0 = MatMul(x, wv) v1 = Reshape(v0, heads) v = Transpose(v1) {perm=[0, 2, 1, 3]}\n"
        "qk = MatMul(q, k) sc = Mul(qk, scale) ms = Add(sc, mask) p = Softmax(ms) {axis=-1} c0 = MatMul(p, v)\n"
        "c1 = Transpose(c0) {perm=[0, 2, 1, 3]} c2 = Reshape(c1, flat) o = MatMul(c2, wo) r = Add(o, x) n = LayerNormalization(r, s, b)\n"
        "h = MatMul(n, w1) g0 = Div(h, root) g1 = Erf(g0) g2 = Add(g1, one) g3 = Mul(h, g2) g = Mul(g3, half) u = MatMul(g, w2) z = Add(u, n)\n"
        "y = LayerNormalization(z, s, b) return y }";

static const char lstm_net[] =
    NET "(x: float32[T,B,8], h0: float32[1,B,12], c0: float32[1,B,12]) {\n"
        "const w: float32[1,48,8] random 1 const r: float32[1,48,12] random 2 const b: float32[1,96] random 3 const o: float32[12,4] random 4\n"
        "a, h, c = LSTM(x, w, r, b, _, h0, c0) {hidden_size=12} const ax: int64[1] {1} s = Squeeze(a, ax) p = MatMul(s, o) y = Sigmoid(p)\n"
        "return y, h, c }";

/* A loop with state of fixed shape and a scan output, and a branch, which sees values around it. */
static const char loop_net[] =
    NET "(x: float32[N,6], trip: int64[]) {\n"
        "const w: float32[6,6] random 1 const zero: int64[] {0} k = Tanh(x)\n"
        "l, scan = Loop(trip, _, x) {body=graph (it: int64[], go: bool[], z: float32[N,6]) {\n"
        "  g = Identity(go) a = MatMul(z, w) e = Equal(it, zero) i = If(e) {then_branch=graph () { t = Add(a, k) return t },\n"
        "  else_branch=graph () { f = Sub(a, k) return f }} j = Tanh(i) return g, j, a }}\n"
        "y = Add(l, x) return y, scan }";

/* 8-bit arithmetic. */
static const char quantized_net[] =
    NET "(x: float32[N,4,6,6]) {\n"
        "const w: int8[8,4,3,3] random 1 const ws: float32[] {0.01} const wz: int8[] {0} const xs: float32[] {0.02} const xz: uint8[] {128}\n"
        "const ys: float32[] {0.05} const yz: uint8[] {110}\n"
        "q = QuantizeLinear(x, xs, xz) d = DequantizeLinear(q, xs, xz) v = DequantizeLinear(w, ws, wz) c = Conv(d, v) {pads=[1, 1, 1, 1]}\n"
        "r = QuantizeLinear(c, ys, yz) y = DequantizeLinear(r, ys, yz) return y, r }";

/* Inputs with defaults. */
static const char optional_net[] =
    NET "(x: float32[2,3], scale: float32[], bias: float32[3]) { default scale: float32[] {2.0} default bias: float32[3] {1.0, 2.0, 3.0}\n"
        "a = Mul(x, scale) y = Add(a, bias) return y }";

static const char *const all_nets[] = {conv_net, transformer_net, lstm_net, loop_net, quantized_net};
static const char *const net_names[] = {"convolutions", "transformer", "LSTM", "Loop and If", "8 bits"};
enum { NETS = 5 };

#endif
