using Backhaul.Protocol;

namespace Backhaul.Node.Files;

/// <summary>The configured containers: every name with its options, paths absolute. <c>default</c> is always among them.</summary>
internal sealed record ContainerTable(IReadOnlyDictionary<ContainerName, ContainerOptions> Containers)
{
    /// <summary>Reads <c>Backhaul:Containers</c>. What is wrong comes back as sentences for the operator; the table holds what was right.</summary>
    public static ContainerTable Read(IConfiguration containers, string dataDirectory, out IReadOnlyList<string> errors)
    {
        var wrong = new List<string>();
        var table = new Dictionary<ContainerName, ContainerOptions>();
        foreach (var section in containers.GetChildren())
        {
            if (!ContainerName.TryParse(section.Key, out var name))
                wrong.Add($"Backhaul:Containers has the name '{section.Key}'. {ContainerName.Rule}");
            else if (ReadOne(section, name, dataDirectory, wrong) is { } options)
                table[name] = options;
        }
        if (!table.ContainsKey(ContainerName.Default))
            table[ContainerName.Default] = new ContainerOptions { Path = DefaultPath(dataDirectory) };
        FindOverlaps(table, wrong);
        errors = wrong;
        return new ContainerTable(table);
    }

    private static ContainerOptions? ReadOne(IConfigurationSection section, ContainerName name, string dataDirectory, List<string> wrong)
    {
        var at = $"Backhaul:Containers:{name}";
        var before = wrong.Count;
        foreach (var field in section.GetChildren())
        {
            if (field.Key.ToLowerInvariant() is not ("kind" or "path" or "shared"))
                wrong.Add($"{at}:{field.Key} is not an option of a disk container. It has Kind, Path and Shared.");
        }
        var kind = section["Kind"] ?? "disk";
        if (kind != "disk")
            wrong.Add($"{at}:Kind is '{kind}'. This build knows the kind disk.");
        var shared = false;
        if (section["Shared"] is { } text && !bool.TryParse(text, out shared))
            wrong.Add($"{at}:Shared is '{text}'. It is true or false.");
        var path = section["Path"] ?? (name == ContainerName.Default ? DefaultPath(dataDirectory) : null);
        if (string.IsNullOrWhiteSpace(path))
            wrong.Add($"{at}:Path is missing. Name the directory where the container's files lie.");
        return wrong.Count > before ? null : new ContainerOptions { Kind = kind, Path = Path.GetFullPath(path!), Shared = shared };
    }

    /// <summary>Two containers over one tree would show each other's files, and one tenant's folder could be another's file.</summary>
    private static void FindOverlaps(Dictionary<ContainerName, ContainerOptions> table, List<string> wrong)
    {
        var byPath = table.OrderBy(pair => pair.Value.Path + "/", StringComparer.Ordinal).ToArray();
        for (var i = 1; i < byPath.Length; i++)
        {
            for (var j = 0; j < i; j++)
            {
                if ((byPath[i].Value.Path!.TrimEnd('/') + "/").StartsWith(byPath[j].Value.Path!.TrimEnd('/') + "/", StringComparison.Ordinal))
                    wrong.Add($"Backhaul:Containers:{byPath[i].Key}:Path lies in the directory of the container {byPath[j].Key}. Give each a directory of its own.");
            }
        }
    }

    private static string DefaultPath(string dataDirectory) => Path.GetFullPath(Path.Combine(dataDirectory, "files"));
}
