using Xunit.Sdk;
using Xunit.v3;

namespace Kumoi.EndToEnd;

/// <summary>Runs the tests of a class in the order in which they are written: one cloud lives through them all.</summary>
public sealed class InOrder : ITestCaseOrderer
{
    public IReadOnlyCollection<TTestCase> OrderTestCases<TTestCase>(IReadOnlyCollection<TTestCase> testCases) where TTestCase : notnull, ITestCase =>
        [.. testCases.OrderBy(test => test.SourceLineNumber)];
}
