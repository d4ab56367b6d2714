/* Quick, heap and merge sort over the same seeded numbers; each is checked, and summed up. */
#include "runtime/guest.h"

enum { SORT_COUNT = 600 };
static u32 sort_data[SORT_COUNT], sort_room[SORT_COUNT];

static void sort_fill(u32 seed) {
  for (int i = 0; i < SORT_COUNT; i++) {
    seed = seed * 1664525u + 1013904223u;
    sort_data[i] = seed >> 8;
  }
}

static void sort_swap(u32 *a, u32 *b) {
  u32 kept = *a;
  *a = *b, *b = kept;
}

static void quick_sort(u32 *data, int count) {
  while (count > 1) {
    u32 pivot = data[count / 2];
    int i = 0, j = count - 1;
    while (i <= j) {
      while (data[i] < pivot) i++;
      while (data[j] > pivot) j--;
      if (i <= j) sort_swap(&data[i++], &data[j--]);
    }
    quick_sort(data, j + 1);
    data += i, count -= i;
  }
}

static void sift(u32 *data, int root, int count) {
  for (int child; (child = 2 * root + 1) < count; root = child) {
    if (child + 1 < count && data[child + 1] > data[child]) child++;
    if (data[root] >= data[child]) return;
    sort_swap(&data[root], &data[child]);
  }
}

static void heap_sort(u32 *data, int count) {
  for (int i = count / 2; i-- > 0;) sift(data, i, count);
  while (--count > 0) {
    sort_swap(&data[0], &data[count]);
    sift(data, 0, count);
  }
}

static void merge_sort(u32 *data, int count) {
  if (count < 2) return;
  int half = count / 2, i = 0, j = half, k = 0;
  merge_sort(data, half);
  merge_sort(data + half, count - half);
  /* `sort_room` is free again when the halves are sorted. */
  while (i < half && j < count) sort_room[k++] = data[i] <= data[j] ? data[i++] : data[j++];
  while (i < half) sort_room[k++] = data[i++];
  while (j < count) sort_room[k++] = data[j++];
  memcpy(data, sort_room, (size_t)count * sizeof *data);
}

static void sort_report(const char *name, void (*sort)(u32 *, int)) {
  sort_fill(12345);
  sort(sort_data, SORT_COUNT);
  u32 sum = 0;
  int wrong = 0;
  for (int i = 0; i < SORT_COUNT; i++) {
    sum = (sum << 5 | sum >> 27) ^ sort_data[i];
    if (i > 0 && sort_data[i - 1] > sort_data[i]) wrong++;
  }
  printf("%-6s first %u last %u sum %08x wrong %d\n", name, sort_data[0], sort_data[SORT_COUNT - 1], sum, wrong);
}

int main(void) {
  sort_report("quick", quick_sort);
  sort_report("heap", heap_sort);
  sort_report("merge", merge_sort);
  return 0;
}
