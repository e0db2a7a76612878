using Xunit;

namespace Backhaul.Architecture.Tests;

public sealed class DependencyTests
{
    private const string Prefix = "Backhaul.Node.";

    [Fact]
    public void Folders_use_only_what_their_arrow_allows()
    {
        var wrong = from use in NodeAssembly.Instance.Internal
                    let source = FolderOf(use.User)
                    let target = FolderOf(use.Type)
                    where source != target && source != Arrows.Root && target != "Telemetry" && !IsAllowed(source, target, use.Type)
                    select $"{source} -> {target}: {use.User.Name} uses {use.Type.Name}";
        Check.None(wrong, "These uses go against the arrows (Arrows.cs):");
    }

    [Fact]
    public void Every_folder_of_the_node_has_its_line_in_the_table()
    {
        var folders = NodeAssembly.Instance.Types.Select(FolderOf).Where(folder => folder != Arrows.Root).ToHashSet(StringComparer.Ordinal);
        Check.None(folders.Where(folder => !Arrows.Allowed.ContainsKey(folder)), "Folders without a line in Arrows.cs:");
    }

    [Fact]
    public void The_table_names_no_arrow_that_nobody_uses()
    {
        var used = NodeAssembly.Instance.Internal
            .SelectMany(use => new[] { (FolderOf(use.User), FolderOf(use.Type)), (FolderOf(use.User), $"{FolderOf(use.Type)}.{use.Type.Name}") }).ToHashSet();
        var folders = NodeAssembly.Instance.Types.Select(FolderOf).ToHashSet(StringComparer.Ordinal);
        var idle = from line in Arrows.Allowed
                   where folders.Contains(line.Key)
                   from target in line.Value
                   where !used.Contains((line.Key, target))
                   select $"{line.Key} -> {target}";
        Check.None(idle, "Arrows that nobody uses any more:");
    }

    [Fact]
    public void Nothing_in_the_node_is_public() =>
        Assert.Equal(["Program"], typeof(Node.Journal.IJournal).Assembly.GetExportedTypes().Select(type => type.FullName)); // the web SDK makes Program public

    [Fact]
    public void Protocol_references_nothing_and_the_client_only_protocol()
    {
        Assert.Empty(OurReferences(typeof(Protocol.TaskId)));
        Assert.Equal(["Backhaul.Protocol"], OurReferences(System.Reflection.Assembly.Load("Backhaul.Client")));
        Assert.Equal(["Backhaul.Client", "Backhaul.Protocol"], OurReferences(System.Reflection.Assembly.Load("Backhaul.Client.AspNetCore")));
        Assert.Equal(["Backhaul.Protocol"], OurReferences(typeof(Node.Journal.IJournal)));
    }

    [Fact]
    public void Namespaces_mirror_folders()
    {
        var wrong = from file in Repository.Files("src/Node", ".cs")
                    let folder = Path.GetDirectoryName(file)!.Replace('\\', '/')
                    where folder != "src/Node"
                    let expected = "Backhaul.Node." + folder["src/Node/".Length..].Replace('/', '.')
                    let top = "Backhaul.Node." + folder["src/Node/".Length..].Split('/')[0]
                    let text = Repository.Read(file)
                    where !text.Contains($"namespace {expected};", StringComparison.Ordinal) && !text.Contains($"namespace {top};", StringComparison.Ordinal)
                    select $"{file}: expected namespace {expected} or {top}";
        Check.None(wrong, "Namespaces that do not mirror their folder:");
    }

    private static bool IsAllowed(string from, string to, TypeName type)
    {
        if (!Arrows.Allowed.TryGetValue(from, out var targets))
            return false;
        return targets.Contains(to, StringComparer.Ordinal) || targets.Contains($"{to}.{type.Name}", StringComparer.Ordinal);
    }

    /// <summary>The folder of a type; sub-namespaces count only where the table gives them a line.</summary>
    private static string FolderOf(TypeName type)
    {
        if (!type.Namespace.StartsWith(Prefix, StringComparison.Ordinal))
            return Arrows.Root;
        var path = type.Namespace[Prefix.Length..];
        return Arrows.Allowed.ContainsKey(path) ? path : path.Split('.')[0];
    }

    private static IEnumerable<string> OurReferences(Type type) => OurReferences(type.Assembly);

    private static IEnumerable<string> OurReferences(System.Reflection.Assembly assembly) =>
        assembly.GetReferencedAssemblies().Select(name => name.Name!).Where(name => name.StartsWith("Backhaul.", StringComparison.Ordinal)).Order(StringComparer.Ordinal);
}
