using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Backhaul.Architecture.Tests;

public sealed partial class TreeTests
{
    private static readonly IReadOnlyDictionary<string, int> EventIds = new Dictionary<string, int>(StringComparer.Ordinal)
    {
        ["Actors"] = 1000,
        ["Journal"] = 2000,
        ["Sharding"] = 3000,
        ["Routing"] = 3500,
        ["Sessions"] = 4000,
        ["Transfers"] = 5000,
        ["Egress"] = 5500,
        ["Files"] = 6000,
        ["Sweeping"] = 6100,
        ["Delivery"] = 6500,
        ["Api"] = 7000,
        ["Ops"] = 8000,
        ["Telemetry"] = 8400,
        ["Hosting"] = 9000,
        ["Security"] = 9500,
    };

    [Fact]
    public void No_source_file_is_longer_than_500_lines() =>
        Check.None(Repository.Files("src", ".cs").Where(file => Repository.Read(file).Count(c => c == '\n') > 500), "Longer than 500 lines:");

    [Fact]
    public void The_solution_has_every_project()
    {
        var solution = Repository.Read("Cluster.sln").Replace('\\', '/');
        var projects = new[] { "src", "tests", "bench", "samples" }.Where(folder => Directory.Exists(Path.Combine(Repository.Root, folder)))
            .SelectMany(folder => Repository.Files(folder, ".csproj"));
        Check.None(projects.Where(project => !solution.Contains($"\"{project}\"", StringComparison.Ordinal)), "Not in Cluster.sln:");
    }

    [Fact]
    public void The_readme_names_every_folder_in_one_line()
    {
        var readme = Repository.Read("README.md");
        var map = readme[readme.IndexOf("## Map", StringComparison.Ordinal)..].Split('\n');
        var folders = new[] { "src", "src/Node", "tests", "bench", "docs" }.SelectMany(Repository.Folders)
            .Concat(["src/", "tests/", "docs/", "bench/", "samples/"]).Select(path => path.TrimEnd('/').Split('/')[^1] + "/")
            .Where(name => name is not "Properties/").Distinct(StringComparer.Ordinal);
        Check.None(folders.Where(folder => !map.Any(line => Regex.IsMatch(line, $@"(^|[\s/]){Regex.Escape(folder)}\s+\S.+"))), "Folders that README.md's map does not explain:");
    }

    [Fact]
    public void Names_avoid_the_words_that_say_nothing()
    {
        var wrong = from file in Repository.Files("src", ".cs")
                    from Match match in TypeDeclaration().Matches(Repository.Read(file))
                    where EmptyWord().IsMatch(match.Groups[1].Value)
                    select $"{file}: {match.Groups[1].Value}";
        Check.None(wrong, "Names that say nothing:");
    }

    [Fact]
    public void Log_events_have_unique_ids_in_the_range_of_their_folder()
    {
        var events = (from type in typeof(Node.Journal.IJournal).Assembly.GetTypes()
                      from method in type.GetMethods(BindingFlags.Static | BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public | BindingFlags.DeclaredOnly)
                      let attribute = method.GetCustomAttribute<LoggerMessageAttribute>()
                      where attribute is not null
                      select (Folder: type.Namespace!.Split('.')[2], attribute.EventId, Name: $"{type.Name}.{method.Name}")).ToList();
        Check.None(events.GroupBy(found => found.EventId).Where(group => group.Count() > 1).Select(group => string.Join(", ", group)), "Event ids used twice:");
        var starts = EventIds.Values.Order().ToList();
        foreach (var (folder, id, name) in events)
        {
            var start = EventIds[folder];
            var end = starts.Find(next => next > start);
            Assert.True(id >= start && (end == 0 || id < end), $"{name} has the event id {id}; {folder} has {start} to {(end == 0 ? "the end" : end - 1)}.");
        }
    }

    [Fact]
    public void Operations_md_explains_every_option()
    {
        var text = Repository.Read("docs/operations.md");
        var missing = from type in typeof(Node.Journal.IJournal).Assembly.GetTypes()
                      where type.Name.EndsWith("Options", StringComparison.Ordinal) && type.GetMethod("<Clone>$") is not null && !NotConfigured.Contains(type.Name)
                      from property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
                      where property.CanWrite && !property.PropertyType.Name.EndsWith("Options", StringComparison.Ordinal)
                      where !Regex.IsMatch(text, $@"[`:]{property.Name}[`:]")
                      select $"{type.Name}.{property.Name}";
        Check.None(missing, "Options that docs/operations.md does not explain:");
    }

    /// <summary>Set by code for each actor, not by an operator.</summary>
    private static readonly string[] NotConfigured = ["ActorOptions"];

    [Fact]
    public void Documents_avoid_the_promises_nobody_can_keep()
    {
        foreach (var file in Repository.Files("docs", ".md").Append("README.md"))
        {
            var text = Repository.Read(file);
            Assert.DoesNotContain("exactly-once delivery", text, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("guaranteed", text, StringComparison.OrdinalIgnoreCase);
        }
    }

    [GeneratedRegex(@"\b(?:class|record|struct|interface)\s+([A-Z]\w+)")]
    private static partial Regex TypeDeclaration();

    [GeneratedRegex("(Manager|Helper|Helpers|Util|Utils|Common|Base|Impl)$")]
    private static partial Regex EmptyWord();
}
