# SPDX-License-Identifier: Apache-2.0
"""Runs the tests of a script at the same time: for those that mostly wait, and that have
a server each."""
import concurrent.futures
import sys
import unittest


def run_one(test):
    result = unittest.TestResult()
    test.run(result)
    return test, result


def each(suite):
    for test in suite:
        yield from each(test) if isinstance(test, unittest.TestSuite) else (test,)


def main(workers=6):
    if len(sys.argv) > 1:
        unittest.main()
    tests = list(each(unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])))
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        for test, result in pool.map(run_one, tests):
            for which, trace in result.failures + result.errors:
                bad += 1
                print(f"FAIL: {which}\n{trace}")
    print(f"Ran {len(tests)} tests: {'OK' if not bad else f'{bad} failed'}")
    sys.exit(bad > 0 or not tests)
