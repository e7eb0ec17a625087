#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/list.h"

struct member {
	int number;
	struct list link;
};

static struct member *member_of(struct list *link)
{
	return container_of(link, struct member, link);
}

/* That the numbers of the list's members are these, in both directions. */
static void assert_members(struct list *list, const int *numbers, size_t count)
{
	struct list *link = list;

	for (size_t i = 0; i < count; i++) {
		link = link->next;
		assert_int_equal(member_of(link)->number, numbers[i]);
	}
	assert_ptr_equal(link->next, list);
	for (size_t i = count; i-- > 0;) {
		assert_int_equal(member_of(link)->number, numbers[i]);
		link = link->prev;
	}
	assert_ptr_equal(link, list);
}

static void test_empty(void **state)
{
	struct list still = LIST_INIT(still);
	struct list list;

	(void)state;
	list_init(&list);
	assert_true(list_is_empty(&list));
	assert_null(list_first(&list));
	assert_true(list_is_empty(&still));
	assert_members(&list, NULL, 0);
	list_for_each (link, after, &list)
		fail();
}

static void test_order(void **state)
{
	struct member members[] = {{.number = 1}, {.number = 2}, {.number = 3}};
	struct list list;

	(void)state;
	list_init(&list);
	list_append(&list, &members[0].link);
	list_append(&list, &members[1].link);
	list_prepend(&list, &members[2].link);
	assert_false(list_is_empty(&list));
	assert_ptr_equal(list_first(&list), &members[2].link);
	assert_members(&list, (const int[]){3, 1, 2}, 3);
}

static void test_detaching_twice_does_no_harm(void **state)
{
	struct member members[] = {{.number = 1}, {.number = 2}, {.number = 3}};
	struct list list;

	(void)state;
	list_init(&list);
	for (int i = 0; i < 3; i++)
		list_append(&list, &members[i].link);
	list_detach(&members[1].link);
	list_detach(&members[1].link);
	assert_true(list_is_empty(&members[1].link));
	assert_members(&list, (const int[]){1, 3}, 2);
	list_append(&list, &members[1].link);
	assert_members(&list, (const int[]){1, 3, 2}, 3);
}

static void test_members_may_go_while_they_are_looked_at(void **state)
{
	struct member members[5];
	struct list list, others;
	int seen = 0;

	(void)state;
	list_init(&list);
	list_init(&others);
	for (int i = 0; i < 5; i++) {
		members[i].number = i;
		list_append(&list, &members[i].link);
	}
	list_for_each (link, after, &list) {
		assert_int_equal(member_of(link)->number, seen++);
		list_detach(link);
		if (member_of(link)->number % 2)
			list_append(&others, link);
	}
	assert_int_equal(seen, 5);
	assert_true(list_is_empty(&list));
	assert_members(&others, (const int[]){1, 3}, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_detaching_twice_does_no_harm),
		cmocka_unit_test(test_members_may_go_while_they_are_looked_at),
	};

	return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
