using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Backhaul.Protocol;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Backhaul.Node.Api;

/// <summary>
/// <c>/openapi/v1.json</c>. Calls describe themselves where they are mapped; here is what the types cannot say: forms of text, bounds,
/// the key, the headers that every call takes, and the two bodies of the call that adds tasks.
/// </summary>
internal static class ApiDescription
{
    private const string KeyScheme = "key";

    private static readonly Dictionary<string, string> Parameters = new(StringComparer.Ordinal)
    {
        ["session"] = SessionIdentifier.Rule,
        ["task"] = "A task's id in the session.",
        ["group"] = GroupName.Rule,
        ["completionGroup"] = "Only those of this completion group.",
        ["container"] = ContainerName.Rule,
        ["path"] = ContainerPath.Rule,
        ["upload"] = "An upload's name, from the Location that its creation answered.",
        ["state"] = "Only those in this state.",
        ["kind"] = "Only download or upload.",
        ["cursor"] = "The next of the page before.",
        ["limit"] = $"How many on a page, 1 to {Queries.LimitMax}; {Queries.LimitDefault} when left out.",
        ["mode"] = "cancel (when left out), finish or forceQuit.",
        ["launch"] = "The number of a launch, from its message.",
        ["after"] = "Events after this number.",
        ["wait"] = "How many seconds to wait for something new.",
    };

    public static void Add(IServiceCollection services)
    {
        services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, ProtocolJson.Default);
            json.SerializerOptions.Converters.Add(new DurationConverter());
            json.SerializerOptions.NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.Strict;
        });
        services.AddOpenApi("v1", options =>
        {
            options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1;
            options.AddDocumentTransformer(DescribeDocument);
            options.AddOperationTransformer(DescribeOperation);
            options.AddSchemaTransformer(DescribeSchema);
        });
    }

    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapOpenApi("/openapi/{documentName}.json").WithMetadata(OpenToAll.Instance);

    private static Task DescribeDocument(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken stop)
    {
        document.Info = new OpenApiInfo
        {
            Title = "Backhaul",
            Version = "v1",
            Description = "Background transfers that survive the death of everything but the disk. Names are camelCase, times RFC 3339 in UTC, durations ISO 8601, sizes bytes; every error is an RFC 9457 problem with a stable code.",
            License = new OpenApiLicense { Name = "Apache-2.0", Identifier = "Apache-2.0" },
        };
        document.Servers = [new OpenApiServer { Url = "/", Description = "This node" }];
        document.Components ??= new OpenApiComponents();
        document.Components.SecuritySchemes ??= new Dictionary<string, IOpenApiSecurityScheme>(StringComparer.Ordinal);
        document.Components.SecuritySchemes[KeyScheme] = new OpenApiSecurityScheme
        {
            Type = SecuritySchemeType.Http,
            Scheme = "bearer",
            Description = "The tenant follows from the key. A node on loopback may run without keys.",
        };
        document.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(KeyScheme, document)] = [] }];
        document.Tags = new HashSet<OpenApiTag>
        {
            new() { Name = "sessions", Description = "Named, durable owners of tasks" },
            new() { Name = "tasks", Description = "Downloads and uploads" },
            new() { Name = "groups", Description = "Tasks that run in parallel or one at a time" },
            new() { Name = "webhooks", Description = "Where a session pushes its events to, and where it launches its client" },
            new() { Name = "events", Description = "Numbered facts of a session, delivered until acknowledged" },
            new() { Name = "files", Description = "Files of containers: staged for uploads, results of downloads" },
            new() { Name = "uploads", Description = "Staging in pieces, by tus 1.0.0 or by resumable uploads" },
            new() { Name = "health", Description = "Whether the node works and takes work" },
        };
        return Task.CompletedTask;
    }

    private static async Task DescribeOperation(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken stop)
    {
        if (context.Description.ActionDescriptor.EndpointMetadata.OfType<OpenToAll>().Any())
            operation.Security = [];
        foreach (var parameter in operation.Parameters ?? [])
        {
            if (parameter is OpenApiParameter { Name: { } name } own && Parameters.TryGetValue(name, out var meaning))
                own.Description ??= meaning;
        }
        if (context.Description.HttpMethod is "POST" or "PATCH" or "DELETE")
        {
            (operation.Parameters ??= []).Add(new OpenApiParameter
            {
                Name = CommandKeys.Header,
                In = ParameterLocation.Header,
                Description = $"{CommandId.Rule} The same key with the same content gets the first answer; with other content 422.",
                Schema = new OpenApiSchema { Type = JsonSchemaType.String, MaxLength = 255 },
            });
        }
        ApiParameters.AddTo(operation);
        if (operation.OperationId == "addTasks")
            await DescribeAddTasksAsync(operation, context, stop);
    }

    private static async Task DescribeAddTasksAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken stop)
    {
        if (operation.RequestBody is not OpenApiRequestBody { Content: { } body } || !body.TryGetValue(RequestBodies.Json, out var json))
            return;
        var one = json.Schema;
        body[RequestBodies.Json] = new OpenApiMediaType
        {
            Schema = new OpenApiSchema
            {
                OneOf = [one!, new OpenApiSchema { Type = JsonSchemaType.Array, Items = one, MaxItems = 1000 }],
            },
            Example = new JsonObject { ["kind"] = "download", ["url"] = "https://example.org/a.bin" },
        };
        body[RequestBodies.Lines] = new OpenApiMediaType { Schema = new OpenApiSchema { Type = JsonSchemaType.String, Description = "One task on each line." } };
        if (operation.Responses?.TryGetValue("200", out var answer) == true && answer is OpenApiResponse { Content: { } content })
        {
            answer.Description = "A result for each entry of the array; or, for a stream, a line (BulkChunk) for each chunk that was stored; or the task, which was there already.";
            var results = content[RequestBodies.Json].Schema;
            content[RequestBodies.Json] = new OpenApiMediaType
            {
                Schema = new OpenApiSchema { OneOf = [results!, new OpenApiSchemaReference(nameof(TaskView), context.Document)] },
            };
            context.Document!.AddComponent(nameof(BulkChunk), await context.GetOrCreateSchemaAsync(typeof(BulkChunk), cancellationToken: stop));
            content[RequestBodies.Lines] = new OpenApiMediaType { Schema = new OpenApiSchemaReference(nameof(BulkChunk), context.Document) };
        }
    }

    private static Task DescribeSchema(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken stop)
    {
        var type = Nullable.GetUnderlyingType(context.JsonTypeInfo.Type) ?? context.JsonTypeInfo.Type;
        var property = context.JsonPropertyInfo;
        // Left out rather than null: nulls are not written but where the type says so, and reading one is the same as leaving the field out.
        var optional = property is { IsRequired: false } && !IsWrittenAsNull(property);
        ApiWords.Describe(schema, context.JsonTypeInfo, property);
        if (type == typeof(TimeSpan))
        {
            (schema.Type, schema.Format, schema.Examples) = (JsonSchemaType.String, "duration", [JsonValue.Create("PT60S")]);
        }
        else if (type == typeof(FileReference))
        {
            schema.Type = JsonSchemaType.Object;
            schema.Description = "A file in a container; without container it is the session's. Requests take the short form \"container/path\" too.";
            schema.Required = new HashSet<string>(StringComparer.Ordinal) { "path" };
            schema.Properties = new Dictionary<string, IOpenApiSchema>(StringComparer.Ordinal)
            {
                ["container"] = new OpenApiSchema { Type = JsonSchemaType.String, MaxLength = 64, Description = ContainerName.Rule },
                ["path"] = new OpenApiSchema { Type = JsonSchemaType.String, MaxLength = 1024, Description = ContainerPath.Rule },
            };
        }
        else if (type == typeof(JsonElement))
        {
            schema.Type = JsonSchemaType.Object;
        }
        else if (schema.Type is { } kinds && optional)
        {
            schema.Type = kinds & ~JsonSchemaType.Null;
        }
        return Task.CompletedTask;
    }

    private static bool IsWrittenAsNull(JsonPropertyInfo property) =>
        property.AttributeProvider?.GetCustomAttributes(typeof(JsonIgnoreAttribute), inherit: true) is [JsonIgnoreAttribute { Condition: JsonIgnoreCondition.Never }];
}
