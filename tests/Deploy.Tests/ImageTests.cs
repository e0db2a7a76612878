using System.Text.Json;
using System.Text.RegularExpressions;
using Xunit;

namespace Backhaul.Deploy.Tests;

/// <summary>What the Dockerfile says; that it builds and its node runs is tried by deploy/docker/try-build.</summary>
public sealed partial class ImageTests
{
    private static readonly IReadOnlyList<string> Lines = Instructions(Rendered.Read("deploy/docker/Dockerfile"));

    private static readonly IReadOnlyList<string> Final = [.. Lines.Skip(Lines.Select((line, i) => (line, i)).Last(pair => pair.line.StartsWith("FROM ", StringComparison.Ordinal)).i)];

    [Fact]
    public void The_image_stands_on_a_base_without_a_shell() =>
        Assert.Contains(Lines, line => Chiseled().IsMatch(line));

    [Fact]
    public void It_runs_as_the_pods_user_and_not_as_root()
    {
        var user = Final.Single(line => line.StartsWith("USER ", StringComparison.Ordinal))["USER ".Length..].Split(':').Select(int.Parse).ToArray();
        var pod = Rendered.Production.Node().Pod()["securityContext"];
        Assert.True(user[0] >= 10_000);
        Assert.Equal([pod.Number("runAsUser"), pod.Number("runAsGroup")], user);
    }

    [Fact]
    public void Diagnostics_are_off() => Assert.Contains(Final, line => line.StartsWith("ENV ", StringComparison.Ordinal) && line.Contains("DOTNET_EnableDiagnostics=0", StringComparison.Ordinal));

    [Fact]
    public void The_entry_point_is_in_exec_form_so_that_signals_reach_the_node()
    {
        var form = Final.Single(line => line.StartsWith("ENTRYPOINT ", StringComparison.Ordinal))["ENTRYPOINT ".Length..];
        Assert.Equal(["dotnet", "/app/Backhaul.Node.dll"], JsonSerializer.Deserialize<string[]>(form)!);
        Assert.DoesNotContain(Final, line => line.StartsWith("CMD ", StringComparison.Ordinal) || line.StartsWith("RUN ", StringComparison.Ordinal));
    }

    [Fact]
    public void It_says_what_it_is_in_the_labels_of_the_open_container_initiative()
    {
        var label = Final.Single(line => line.StartsWith("LABEL ", StringComparison.Ordinal));
        Assert.All(["title", "description", "version", "revision", "created", "licenses", "vendor"],
            name => Assert.Contains($"org.opencontainers.image.{name}=", label, StringComparison.Ordinal));
    }

    [Fact]
    public void Its_software_bill_of_materials_covers_both_stages() =>
        Assert.Contains("ARG BUILDKIT_SBOM_SCAN_STAGE=true", Lines);

    [Fact]
    public void It_exposes_the_ports_of_the_pod() => Assert.Equal(
        Rendered.Production.Node().Container()["ports"].Items().Select(port => port.Number("containerPort")).Order(),
        Final.Single(line => line.StartsWith("EXPOSE ", StringComparison.Ordinal))["EXPOSE ".Length..].Split(' ').Select(int.Parse).Order());

    [Fact]
    public void What_this_machine_built_stays_outside()
    {
        var ignored = Rendered.Read("deploy/docker/Dockerfile.dockerignore").Split('\n');
        Assert.All(["*", "**/bin", "**/obj"], line => Assert.Contains(line, ignored));
    }

    private static IReadOnlyList<string> Instructions(string file) =>
        [.. ContinuedLine().Replace(file, " ").Split('\n').Where(line => line.Length > 0 && line[0] != '#')];

    [GeneratedRegex(@"^ARG RUNTIME_IMAGE=mcr\.microsoft\.com/dotnet/aspnet:10\.0-\w+-chiseled$")]
    private static partial Regex Chiseled();

    [GeneratedRegex(@"\\\n\s*")]
    private static partial Regex ContinuedLine();
}
