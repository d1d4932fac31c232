using Microsoft.OpenApi;

namespace Kumoi.Server.Platform.Http;

/// <summary>A query or header parameter of a route that reads it itself.</summary>
public sealed record DocumentedParameter(string Name, ParameterLocation In, string Description, JsonSchemaType Type);

/// <summary>What the OpenAPI document says beyond the types of the routes.</summary>
public static class OpenApiDescription
{
    // Requests are named by what they ask for; nothing else begins with a verb.
    private static readonly string[] RequestVerbs = ["Acknowledge", "Assign", "Change", "Create", "End", "Issue", "Launch", "Login", "Open", "Recompute", "Replace", "Resume", "Rotate", "Set", "Update"];

    public static RouteHandlerBuilder WithQuery(this RouteHandlerBuilder route, string name, string description, JsonSchemaType type = JsonSchemaType.String) =>
        route.WithMetadata(new DocumentedParameter(name, ParameterLocation.Query, description, type));

    /// <summary>The route can answer a problem with this status.</summary>
    public static RouteHandlerBuilder Fails(this RouteHandlerBuilder route, int status) => route.Produces<Kumoi.Api.Problem>(status, "application/problem+json");

    public static RouteHandlerBuilder WithPaging(this RouteHandlerBuilder route) => route
        .WithQuery("limit", "Rows at the most, 1 to 1000 (default 100)", JsonSchemaType.Integer)
        .WithQuery("cursor", "The `next` of the page before");

    public static RouteHandlerBuilder WithTagQuery(this RouteHandlerBuilder route) => route.WithQuery("tag", "Only those with this tag: its key, or `KEY=VALUE`; may be given several times, and all must fit");

    public static RouteHandlerBuilder WithIdempotencyKey(this RouteHandlerBuilder route) => route.WithMetadata(
        new DocumentedParameter("Idempotency-Key", ParameterLocation.Header, "Up to 128 visible ASCII characters; repeating a request with its key returns the first answer", JsonSchemaType.String));

    public static IServiceCollection AddKumoiOpenApi(this IServiceCollection services) => services.AddOpenApi("v1", options =>
    {
        options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1;
        options.ShouldInclude = description => description.RelativePath?.StartsWith("api/v1", StringComparison.Ordinal) == true;
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info = new OpenApiInfo
            {
                Title = "Kumoi", Version = "v1", License = new OpenApiLicense { Name = "Apache-2.0", Identifier = "Apache-2.0" },
                Description = "Ids and names are accepted alike. Failures are problem+json (RFC 9457) with a stable `code`, in the language of Accept-Language (en, ja).",
            };
            document.Servers = [new OpenApiServer { Url = "/" }];
            document.Tags = null;
            document.Components ??= new OpenApiComponents();
            document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
            {
                ["token"] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer" },
            };
            return Task.CompletedTask;
        });
        options.AddSchemaTransformer((schema, context, _) =>
        {
            // Answers always have every member; requests may leave out those that may be null.
            if (schema.Required is { } required && RequestVerbs.Any(verb => context.JsonTypeInfo.Type.Name is { } name && name.StartsWith(verb, StringComparison.Ordinal) && (name.Length == verb.Length || char.IsUpper(name[verb.Length]))))
                foreach (var property in context.JsonTypeInfo.Properties.Where(p => p.IsSetNullable || Nullable.GetUnderlyingType(p.PropertyType) is not null)) required.Remove(property.Name);
            // In changes a key of a map goes with null; a type cannot say that of a map's values.
            if (context.JsonTypeInfo.Type.Name.StartsWith("Update", StringComparison.Ordinal))
                foreach (var values in (schema.Properties?.Values ?? []).Select(property => (property as OpenApiSchema)?.AdditionalProperties).OfType<OpenApiSchema>()) values.Type |= JsonSchemaType.Null;
            return Task.CompletedTask;
        });
        options.AddOperationTransformer((operation, context, _) =>
        {
            var metadata = context.Description.ActionDescriptor.EndpointMetadata;
            operation.Tags = new HashSet<OpenApiTagReference> { new(context.Description.RelativePath!.Split('/')[2], context.Document) };
            operation.Parameters ??= [];
            foreach (var segment in context.Description.RelativePath!.Split('/').Where(s => s.StartsWith('{')))
                if (operation.Parameters.All(p => p.Name != segment.Trim('{', '}')))
                    operation.Parameters.Add(new OpenApiParameter
                    {
                        Name = segment.Trim('{', '}'), In = ParameterLocation.Path, Required = true, Description = "Id or name",
                        Schema = new OpenApiSchema { Type = JsonSchemaType.String },
                    });
            foreach (var parameter in metadata.OfType<DocumentedParameter>())
                operation.Parameters.Add(new OpenApiParameter
                {
                    Name = parameter.Name, In = parameter.In, Description = parameter.Description, Schema = new OpenApiSchema { Type = parameter.Type },
                });
            var permission = metadata.OfType<RequiredPermission>().Single();
            if (permission.Permission is { } needed)
            {
                operation.Description = $"Permission: `{needed}`.";
                operation.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference("token", context.Document)] = [] }];
            }
            return Task.CompletedTask;
        });
    });
}
