using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Backhaul.Deploy.Tests.Rendering;

/// <summary>The kustomize inside this machine's kubectl.</summary>
internal static partial class Kubectl
{
    /// <summary>Since this one patches can be files without a target.</summary>
    private const int KustomizeMin = 5;

    /// <summary>Null, and why, when there is none that is new enough.</summary>
    public static IReadOnlyList<JsonObject>? Render(string folder, out string why)
    {
        var (versionStatus, version) = Run("version", "--client");
        var kustomize = KustomizeVersion().Match(version);
        if (versionStatus != 0 || !kustomize.Success || int.Parse(kustomize.Groups[1].ValueSpan, CultureInfo.InvariantCulture) < KustomizeMin)
        {
            why = $"There is no kubectl with kustomize {KustomizeMin} or newer on this machine.";
            return null;
        }
        var (status, text) = Run("kustomize", folder);
        why = status == 0 ? "" : text;
        return status == 0 ? Yaml.ReadAll(text) : throw new InvalidDataException(text);
    }

    private static (int Status, string Text) Run(params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo("kubectl", arguments) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false })!;
            var error = process.StandardError.ReadToEndAsync();
            var text = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return (process.ExitCode, process.ExitCode == 0 ? text : error.GetAwaiter().GetResult());
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return (-1, "There is no kubectl.");
        }
    }

    [GeneratedRegex(@"Kustomize Version: v(\d+)")]
    private static partial Regex KustomizeVersion();
}
