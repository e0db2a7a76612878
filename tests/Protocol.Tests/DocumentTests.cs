using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using Xunit;

namespace Backhaul.Protocol.Tests;

/// <summary>docs/protocol.md and docs/features.md promise words and numbers to people; these are checked against the code.</summary>
public sealed partial class DocumentTests
{
    private static readonly string Text = File.ReadAllText(Golden.PathOf("../../../docs/protocol.md"));

    [Fact]
    public void Every_problem_code_has_its_row()
    {
        foreach (var code in Constants(typeof(ProblemCodes)))
            Assert.Contains($"\n| `{code}` | ", Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_event_type_is_described()
    {
        foreach (var type in Constants(typeof(EventTypes)))
            Assert.Matches($@"\n\| .*`{type}`.* \| ", Text);
    }

    [Fact]
    public void Every_field_of_a_task_and_a_configuration_is_described()
    {
        foreach (var field in typeof(TaskRequest).GetProperties().Concat(typeof(SessionConfiguration).GetProperties()))
            Assert.Matches($@"\n\| (`\w+`, )*`{char.ToLowerInvariant(field.Name[0])}{field.Name[1..]}`", Text);
    }

    [Fact]
    public void The_published_shards_are_right()
    {
        var rows = ShardRow().Matches(Text);
        Assert.True(rows.Count >= 10);
        foreach (Match row in rows)
        {
            var session = new SessionKey(TenantId.Parse(row.Groups["tenant"].Value), SessionIdentifier.Parse(row.Groups["identifier"].Value));
            Assert.Equal(Number(row, "shard"), ShardMap.ShardOf(session, Number(row, "shards")));
        }
    }

    [Fact]
    public void Every_test_that_features_names_is_in_the_tree()
    {
        var tests = Directory.GetFiles(Golden.PathOf("../.."), "*Tests.cs", SearchOption.AllDirectories).Select(File.ReadAllText).ToList();
        var named = TestName().Matches(File.ReadAllText(Golden.PathOf("../../../docs/features.md"))).Select(match => match.Groups["name"].Value).ToList();
        Assert.NotEmpty(named);
        Assert.All(named, name => Assert.True(tests.Any(source => source.Contains($" {name}(", StringComparison.Ordinal)), $"There is no test {name}."));
    }

    [Fact]
    public void No_row_of_features_is_without_a_test()
    {
        var rows = TableRow().Matches(File.ReadAllText(Golden.PathOf("../../../docs/features.md"))).Select(match => match.Value)
            .Where(row => !row.EndsWith("| Proven by |", StringComparison.Ordinal) && !row.StartsWith("|---", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(rows);
        Assert.All(rows, row => Assert.True(TestName().IsMatch(LastCell(row)), $"No test proves this row: {row}"));
    }

    private static string LastCell(string row) => row.TrimEnd('|', ' ').Split('|')[^1];

    private static IEnumerable<string> Constants(Type names) =>
        names.GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => (string)field.GetRawConstantValue()!);

    private static int Number(Match row, string group) => int.Parse(row.Groups[group].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^\|.*\|$", RegexOptions.Multiline, 1000)]
    private static partial Regex TableRow();

    [GeneratedRegex(@"`(?<name>[A-Z]\w+_\w+)`", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex TestName();

    [GeneratedRegex(@"^\| `(?<tenant>[^`]+)` \| `(?<identifier>[^`]+)` \| (?<shards>\d+) \| (?<shard>\d+) \|$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ShardRow();
}
