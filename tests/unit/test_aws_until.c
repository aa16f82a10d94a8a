/* SPDX-License-Identifier: Apache-2.0 */
/* Paths into answers as AWS's API References show them, and what must be said there. */
#include "steering/zone/aws_until.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define DB(status)                                                              \
	"<DescribeDBInstancesResponse><DescribeDBInstancesResult><DBInstances>" \
	"<DBInstance><DBInstanceIdentifier>shop-iad</DBInstanceIdentifier>"     \
	"<DBInstanceStatus>" status "</DBInstanceStatus>"                       \
	"<StatusInfos><DBInstanceStatusInfo><Status>replicating</Status>"       \
	"</DBInstanceStatusInfo></StatusInfos></DBInstance>"
#define DB_END \
	"</DBInstances></DescribeDBInstancesResult></DescribeDBInstancesResponse>"

static const char group[] =
    "<DescribeAutoScalingGroupsResponse><DescribeAutoScalingGroupsResult>"
    "<AutoScalingGroups><member><DesiredCapacity>4</DesiredCapacity><Instances>"
    "<member><LifecycleState>InService</LifecycleState><Zone>a</Zone>"
    "<HealthStatus>Healthy</HealthStatus></member>"
    "<member><HealthStatus>Unhealthy</HealthStatus>"
    "<LifecycleState>InService</LifecycleState></member>"
    "<member><LifecycleState>Pending</LifecycleState>"
    "<HealthStatus>Healthy</HealthStatus></member>"
    "<member><LifecycleState>InService</LifecycleState>"
    "<HealthStatus>Healthy</HealthStatus></member>"
    "<member><LifecycleState>InService</LifecycleState></member>"
    "</Instances><HealthStatus>Healthy</HealthStatus></member></AutoScalingGroups>"
    "</DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>";

static const char health[] =
    "<DescribeTargetHealthResponse><DescribeTargetHealthResult>"
    "<TargetHealthDescriptions><member><TargetHealth><State>healthy</State>"
    "</TargetHealth></member><member><TargetHealth><State>initial</State>"
    "</TargetHealth></member></TargetHealthDescriptions>"
    "</DescribeTargetHealthResult></DescribeTargetHealthResponse>";

static struct aws_until_seen seen;
static char said[200];

static bool
holds(const char *path, const char *is, const char *body)
{
	struct aws_until u;
	struct err e = {""};

	ck_assert_msg(aws_until_parse(path, is, &u, &e), "%s", e.text);
	ck_assert_msg(aws_until_look(&u, body, strlen(body), &seen, &e), "%s", e.text);
	aws_until_say(&u, &seen, said, sizeof said);
	return aws_until_holds(&u, &seen);
}

START_TEST(a_state_by_its_name_alone_or_by_its_way)
{
	static const char good[] = DB("available") DB_END;

	ck_assert(holds("DBInstanceStatus", "available", good));
	ck_assert_str_eq(said, "DBInstanceStatus says available");
	ck_assert(holds("DBInstances.DBInstance.DBInstanceStatus", "available", good));
	ck_assert(holds("DBInstanceStatusInfo.Status", "replicating", good));
	ck_assert(!holds("DBInstances.member.DBInstanceStatus", "available", good));
	ck_assert_str_eq(said, "there is no DBInstanceStatus");
	ck_assert(!holds("Status", "available", good));
	ck_assert(!holds("DBInstance", "available", good)); /* no text of its own */
	ck_assert(!holds("DBInstanceStatus", "avail", good));
	ck_assert(holds("DBInstanceStatus", "available", DB("\n available ") DB_END));
}
END_TEST

START_TEST(each_that_there_is_says_so)
{
	static const char two[] =
	    DB("available") "<DBInstance><DBInstanceStatus>modifying"
			    "</DBInstanceStatus></DBInstance>" DB_END;

	ck_assert(!holds("DBInstanceStatus", "available", two));
	ck_assert_str_eq(said, "1 of 2 say available, one says modifying");
}
END_TEST

START_TEST(a_state_that_ends_there_is_told)
{
	static const char *const final[] = {DB("failed") DB_END,
	    DB("incompatible-restore") DB_END, DB("restore-error") DB_END};

	for (size_t i = 0; i < sizeof final / sizeof final[0]; i++) {
		ck_assert(!holds("DBInstanceStatus", "available", final[i]));
		ck_assert_str_ne(seen.ended, "");
	}
	ck_assert(!holds("DBInstanceStatus", "available", DB("modifying") DB_END));
	ck_assert_str_eq(seen.ended, "");
	ck_assert_str_eq(said, "DBInstanceStatus says modifying");
	/* … unless it is what is waited for */
	ck_assert(holds("DBInstanceStatus", "failed", DB("failed") DB_END));
	ck_assert_str_eq(seen.ended, "");
}
END_TEST

START_TEST(things_that_say_all_of_it_are_counted)
{
	static const char path[] = "Instances.member.LifecycleState+HealthStatus";

	ck_assert(holds(path, ">=2 InService+Healthy", group));
	ck_assert_str_eq(said, "2 of 5 say InService+Healthy, at least 2 wanted");
	ck_assert(!holds(path, ">=3 InService+Healthy", group));
	ck_assert(holds(path, "=2 InService+Healthy", group));
	ck_assert(!holds(path, "=1 InService+Healthy", group));
	ck_assert(!holds(path, "InService+Healthy", group));
	ck_assert(holds("Instances.member.LifecycleState", ">=4 InService", group));
	ck_assert(!holds("Instances.member.LifecycleState", ">=5 InService", group));
	/* The same without the way: the group's own HealthStatus is another thing. */
	ck_assert(holds("LifecycleState+HealthStatus", "=2 InService+Healthy", group));
	ck_assert_uint_eq(seen.found, 6);
	ck_assert(holds("Instances.member.LifecycleState", "=0 Standby", group));
	ck_assert(holds("Nowhere.LifecycleState", "=0 InService", group));
}
END_TEST

START_TEST(targets)
{
	ck_assert(!holds("TargetHealth.State", "healthy", health));
	ck_assert_str_eq(said, "1 of 2 say healthy, one says initial");
	ck_assert(holds("TargetHealth.State", ">=1 healthy", health));
	ck_assert(!holds("State", ">=2 healthy", health));
}
END_TEST

START_TEST(more_pages_are_not_all)
{
	static const char body[] = "<A><S>x</S><NextToken>t</NextToken></A>";

	ck_assert(!holds("S", "x", body));
	ck_assert_ptr_nonnull(strstr(said, "further pages"));
	ck_assert(!holds("S", "=1 x", body));
	ck_assert(holds("S", ">=1 x", body));
	ck_assert(holds("S", "x", "<A><S>x</S><NextToken/></A>"));
}
END_TEST

START_TEST(what_is_no_path_or_no_words)
{
	static const char *const bad[][2] = {{"", "x"}, {".A", "x"}, {"A.", "x"},
	    {"A..B", "x"}, {"A+", "x"}, {"A+B.C", "x+y"}, {"A+B", "x"},
	    {"A+B", "x+y+z"}, {"A+B+C+D+E", "a+b+c+d+e"}, {"A", ""}, {"A", ">=x"},
	    {"A", ">=0 x"}, {"A", "= 1 x"}, {"A", ">=1"}, {"A", ">=100000 x"},
	    {"A", ">=-1 x"}, {"A", ">=2x"}};
	struct aws_until u;
	struct err e;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		ck_assert_msg(!aws_until_parse(bad[i][0], bad[i][1], &u, &e),
		    "'%s' is '%s'", bad[i][0], bad[i][1]);
		ck_assert_str_ne(e.text, "");
	}
	ck_assert(aws_until_parse("A", "x+y", &u, &e)); /* a word with a plus */
	ck_assert_str_eq(u.word[0], "x+y");
}
END_TEST

START_TEST(what_is_no_xml)
{
	struct aws_until u;
	struct err e = {""};

	ck_assert(aws_until_parse("A", "x", &u, &e));
	ck_assert(!aws_until_look(&u, "<A>x", 4, &seen, &e));
	ck_assert(!aws_until_look(&u, "", 0, &seen, &e));
	ck_assert_str_ne(e.text, "");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("aws_until");
	TCase *t = tcase_create("aws_until");

	tcase_add_test(t, a_state_by_its_name_alone_or_by_its_way);
	tcase_add_test(t, each_that_there_is_says_so);
	tcase_add_test(t, a_state_that_ends_there_is_told);
	tcase_add_test(t, things_that_say_all_of_it_are_counted);
	tcase_add_test(t, targets);
	tcase_add_test(t, more_pages_are_not_all);
	tcase_add_test(t, what_is_no_path_or_no_words);
	tcase_add_test(t, what_is_no_xml);
	suite_add_tcase(suite, t);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
