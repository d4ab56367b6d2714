/* A machine in the machine: a stack interpreter with a switch over its operations, and a table of functions. */
#include "runtime/guest.h"

enum op { PUSH, ADD, SUB, MUL, MOD, DUP, SWAP, OVER, DROP, LESS, JUMP, BRANCH, LOAD, STORE, PRINT, APPLY, HALT };

static s32 negated(s32 x) { return -x; }
static s32 squared(s32 x) { return x * x; }
static s32 halved(s32 x) { return x / 2; }
static s32 (*const machine_functions[])(s32) = { negated, squared, halved };

static int interpret(const s32 *code, int steps) {
  s32 stack[32], memory[8] = { 0 };
  int sp = 0, done = 0;
  for (int pc = 0; done < steps; done++) {
    s32 a;
    switch ((enum op)code[pc++]) {
      case PUSH: stack[sp++] = code[pc++]; break;
      case ADD: sp--, stack[sp - 1] += stack[sp]; break;
      case SUB: sp--, stack[sp - 1] -= stack[sp]; break;
      case MUL: sp--, stack[sp - 1] *= stack[sp]; break;
      case MOD: sp--, stack[sp - 1] %= stack[sp]; break;
      case DUP: stack[sp] = stack[sp - 1], sp++; break;
      case SWAP: a = stack[sp - 1], stack[sp - 1] = stack[sp - 2], stack[sp - 2] = a; break;
      case OVER: stack[sp] = stack[sp - 2], sp++; break;
      case DROP: sp--; break;
      case LESS: sp--, stack[sp - 1] = stack[sp - 1] < stack[sp]; break;
      case JUMP: pc = code[pc]; break;
      case BRANCH: pc = stack[--sp] ? code[pc] : pc + 1; break;
      case LOAD: stack[sp++] = memory[code[pc++]]; break;
      case STORE: memory[code[pc++]] = stack[--sp]; break;
      case PRINT: printf("%d ", stack[--sp]); break;
      case APPLY: stack[sp - 1] = machine_functions[code[pc++]](stack[sp - 1]); break;
      case HALT: return done;
    }
  }
  return -1;
}

/* The states of a reader of numbers: blanks, digits, a fraction, an error. */
static int classified(const char *text) {
  enum { START, SIGN, WHOLE, POINT, FRACTION, ERROR } state = START;
  for (; *text; text++) {
    char c = *text;
    int digit = c >= '0' && c <= '9';
    switch (state) {
      case START: state = digit ? WHOLE : c == '-' || c == '+' ? SIGN : c == '.' ? POINT : c == ' ' ? START : ERROR; break;
      case SIGN: state = digit ? WHOLE : c == '.' ? POINT : ERROR; break;
      case WHOLE: state = digit ? WHOLE : c == '.' ? FRACTION : ERROR; break;
      case POINT:
      case FRACTION: state = digit ? FRACTION : ERROR; break;
      case ERROR: return ERROR;
    }
  }
  return state;
}

int main(void) {
  /* The greatest common divisor of two numbers, then the squares below 100, then Collatz steps of 27. */
  static const s32 gcd[] = {
    PUSH, 1071, PUSH, 462, DUP, BRANCH, 9, JUMP, 14, SWAP, OVER, MOD, JUMP, 4, DROP, PRINT, HALT,
  };
  static const s32 squares[] = {
    PUSH, 0, STORE, 0, LOAD, 0, APPLY, 1, DUP, PUSH, 100, LESS, BRANCH, 17, DROP, HALT, HALT, PRINT,
    LOAD, 0, PUSH, 1, ADD, STORE, 0, JUMP, 4,
  };
  static const s32 collatz[] = {
    PUSH, 27, PUSH, 0, STORE, 1, DUP, PUSH, 1, SWAP, LESS, BRANCH, 19, DROP, LOAD, 1, PRINT, HALT, HALT,
    DUP, PUSH, 2, MOD, BRANCH, 29, APPLY, 2, JUMP, 35, PUSH, 3, MUL, PUSH, 1, ADD,
    LOAD, 1, PUSH, 1, ADD, STORE, 1, JUMP, 6,
  };
  printf("in %d steps\n", interpret(gcd, 1000));
  printf("in %d steps\n", interpret(squares, 1000));
  printf("in %d steps\n", interpret(collatz, 10000));
  static const char *const numbers[] = { "12", "-3.5", ".5", "1.", "1.2.3", "", "  +7", "x", "-" };
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) printf("%d", classified(numbers[i]));
  putchar('\n');
  return 0;
}
